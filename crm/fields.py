"""The field registry's entries: table → (purpose, its fields). A new field must be entered here, or the build fails (D8)."""

from django.utils.translation import gettext_lazy as _

from crm.core.registry import Purpose

CUSTOMER = Purpose(
    _("Dealing with customers and prospects"),
    True,
    _("Art. 6 (1) b and f GDPR: contract and its preparation, legitimate interest"),
    _("3 years after the end of the relationship"),
)
HISTORY = Purpose(
    _("History of the relationship"), True, _("Art. 6 (1) b and f GDPR: contract and its preparation, legitimate interest"), _("6 years (trade letters, § 257 HGB)")
)
STAFF = Purpose(_("Working with this system"), True, _("Art. 6 (1) b GDPR, § 26 BDSG: employment"), _("until the account is deleted"))
CONSENT = Purpose(
    _("Consents and objections, and their proof"), True, _("Art. 6 (1) c, 7 (1) and 21 GDPR, § 7 UWG: burden of proof"), _("3 years after the consent ended; what was objected to for good")
)
TRACE = Purpose(_("Proof of who changed what"), True, _("Art. 6 (1) c and f GDPR: accountability (Art. 5 (2))"), _("as long as the record it tells of"))
TOUCHES = Purpose(_("Opens and clicks of those who agreed to it"), True, _("Art. 6 (1) a GDPR and § 25 (1) TDDDG: consent"), _("until the consent ends, forgotten the night after"))
NOTICES = Purpose(_("Notifications of those who work here"), True, _("Art. 6 (1) b GDPR: contract"), _("1 year"))
PASSING = Purpose(_("Delivery of mails"), True, _("Art. 6 (1) b GDPR: contract"), _("as long as the history they belong to"))
TEXTS = Purpose(
    _("Texts of mails"), True, _("Art. 6 (1) b GDPR: contract"), _("1 year those of campaigns, journeys and sign-in; all others as long as the history they belong to")
)
BUSINESS = Purpose(_("Figures of the business"), False, _("not personal"), _("10 years (§ 147 AO)"))
SYSTEM = Purpose(_("Running the system"), False, _("not personal"), _("as long as the record exists"))

_RECORD = "created_at updated_at version"
_WHO = "created_by updated_by"

FIELDS: dict[str, list[tuple[Purpose, str]]] = {
    "core.change": [(TRACE, "actor_id before after request"), (SYSTEM, "id at xid origin work job_id relation row_id op")],
    "core.event": [(SYSTEM, "id subject_type subject_id name at payload done_at attempts error"), (TRACE, "by")],
    "core.job": [(SYSTEM, "id kind label state params cursor done total result error url cancel_asked lease_until created_at finished_at"), (STAFF, "by")],
    "core.jobpart": [(SYSTEM, "id job params")],
    "core.scheduledrun": [(SYSTEM, "id schedule due_at claimed_at done_at")],
    "core.oncekey": [(SYSTEM, "id key route body_hash status headers body at"), (STAFF, "user")],
    "core.undo": [(STAFF, "user"), (SYSTEM, "id token way payload label at undone_at")],
    "core.notification": [(NOTICES, "user text"), (SYSTEM, "id url at read_at")],
    "core.savedview": [(STAFF, "user name query"), (SYSTEM, "id page")],
    "core.outgoingmail": [
        (PASSING, "to to_name domain user language sender reply_to heading answer"),
        (TEXTS, "body html headers"),
        (SYSTEM, "id subject_type subject_id kind message_id once priority state due_at give_up_at worker lease_until log_mark code queue_id attempts planned_at handed_at"),
    ],
    "core.drill": [(SYSTEM, "id started_at finished_at held failed_at detail tables rows files size pages")],
    "core.seal": [(SYSTEM, "number at ids missing top entries digest snapshot xid previous mac")],
    "core.auditcheck": [(SYSTEM, "id started_at finished_at held step seals entries tables rows found")],
    "core.erasure": [(SYSTEM, "id key subject_type subject_id born at back")],
    "core.dooruse": [(SYSTEM, "digest scope at")],
    "core.doorbucket": [(SYSTEM, "key level at")],
    "core.incomingmail": [
        (HISTORY, "raw sender sender_name heading files message_id subject_type subject_id entry"),
        (SYSTEM, "id identity uidvalidity uid size has_html nature arrived_at fetched_at marked state tries due_at reason"),
    ],
    "core.mailboxsetup": [(SYSTEM, "id host port security username password folder address active since uidvalidity cursor stumbles looked_at trouble trouble_at")],
    "core.mailfile": [(PASSING, "data"), (SYSTEM, "digest")],
    "core.mailattachment": [(PASSING, "mail file name"), (SYSTEM, "id kind")],
    "core.mailsetup": [
        (SYSTEM, "id host port security username password sender reply_to dkim_selector connections per_hour lock locked_at fingerprint turn trouble trouble_at")
    ],
    "core.maillimit": [(SYSTEM, "id domain per_hour")],
    "core.mailtext": [(SYSTEM, "id key heading_de body_de heading_en body_en")],
    "core.mailbucket": [(SYSTEM, "domain level at queued_until")],
    "core.recentlyviewed": [(STAFF, "user at"), (SYSTEM, "id subject_type subject_id")],
    "core.installation": [(SYSTEM, "id name currency fiscal_year_start language")],
    "core.numberrange": [(SYSTEM, "key prefix upcoming")],
    "catalog.currency": [(SYSTEM, "code active")],
    "catalog.rate": [(SYSTEM, "id currency valid_from value")],
    "catalog.product": [(SYSTEM, f"id {_RECORD} number name series active"), (TRACE, _WHO)],
    "catalog.price": [(BUSINESS, "id product currency valid_from amount")],
    "accounts.team": [(SYSTEM, "id name parent")],
    "accounts.user": [
        (STAFF, "username first_name last_name email last_login date_joined sign_ins language theme team password is_active is_staff is_superuser"),
        (SYSTEM, "id"),
    ],
    "accounts.role": [(SYSTEM, "id key label_de label_en position active group start_page")],
    "accounts.roleright": [(SYSTEM, "id role entity verb reach")],
    "accounts.fieldrule": [(SYSTEM, "id role entity field")],
    "accounts.membership": [(STAFF, "user team role"), (SYSTEM, "id")],
    "accounts.deputy": [(STAFF, "absent deputy until"), (SYSTEM, "id")],
    "accounts.teamuserperm": [(STAFF, "user"), (SYSTEM, "id permission content_object source until own_only deputy")],
    "contacts.industry": [(SYSTEM, "id key label_de label_en position active")],
    "contacts.tag": [(SYSTEM, "id key label_de label_en position active")],
    "contacts.partytag": [(CUSTOMER, "party tag"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.party": [
        (CUSTOMER, "kind number state salutation title first_name last_name legal_name language source external_id name sort_name website"),
        (CUSTOMER, "nobility suffix form_of_address letter_salutation"),
        (BUSINESS, "industry parent founded employees revenue vat_id"),
        (STAFF, "owner"),
        (TRACE, _WHO),
        (SYSTEM, f"id team {_RECORD}"),
    ],
    "contacts.partyuserperm": [(STAFF, "user"), (SYSTEM, "id permission content_object")],
    "contacts.partygroupperm": [(SYSTEM, "id permission content_object group")],
    "contacts.partyrole": [(CUSTOMER, "party role"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.affiliation": [(CUSTOMER, "person organisation function is_primary"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.emailaddress": [(CUSTOMER, "party address label is_primary normalised bounced_at"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.phonenumber": [(CUSTOMER, "party number key label is_primary"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.postaladdress": [(CUSTOMER, "party street postcode city country label is_primary"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.interaction": [
        (HISTORY, "party kind direction occurred_at heading body subject_type subject_id"),
        (TRACE, _WHO),
        (SYSTEM, f"id {_RECORD}"),
    ],
    "contacts.task": [(HISTORY, "party text due_at done_at subject_type subject_id"), (STAFF, "owner"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.partysearch": [(CUSTOMER, "party words tsv grams keys hints")],
    "contacts.hintdismissal": [(CUSTOMER, "party key"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "contacts.partyactivity": [(HISTORY, "party last_at")],
    "contacts.consentpurpose": [(SYSTEM, "id key label_de label_en position active")],
    "contacts.consentwording": [(SYSTEM, "id purpose channel language version text created_at"), (TRACE, "created_by")],
    "contacts.consentevent": [
        (CONSENT, "party channel address hash purpose kind wording how note source at message_id request connection"),
        (TRACE, "by recorded_at"),
        (SYSTEM, "id"),
    ],
    "contacts.consentstate": [(CONSENT, "channel hash purpose state since event"), (SYSTEM, "id")],
    "contacts.suppression": [(CONSENT, "channel hash key purpose reason since"), (SYSTEM, "id")],
    "contacts.duplicatepair": [(CUSTOMER, "first second score reasons"), (STAFF, "decided_by"), (SYSTEM, "id state found_at decided_at")],
    "contacts.duplicatekey": [(SYSTEM, "id key name party")],
    "contacts.duplicatecandidate": [(SYSTEM, "id first second")],
    "contacts.mergerecord": [(CUSTOMER, "survivor absorbed before after moved"), (TRACE, "at by"), (SYSTEM, "id voids")],
    "sales.pipeline": [(SYSTEM, "id key label_de label_en position active")],
    "sales.stage": [(SYSTEM, "id pipeline key label_de label_en position probability gate active")],
    "sales.lostreason": [(SYSTEM, "id key label_de label_en position active needs_note")],
    "sales.opportunity": [
        (BUSINESS, "number name party product state stage stage_since rank amount pricing currency opened_on expected_close closed_on sort_name"),
        (BUSINESS, "lost_reason lost_to lost_note source external_id"),
        (STAFF, "owner"),
        (TRACE, _WHO),
        (SYSTEM, f"id team {_RECORD}"),
    ],
    "sales.opportunityuserperm": [(STAFF, "user"), (SYSTEM, "id permission content_object")],
    "sales.opportunitygroupperm": [(SYSTEM, "id permission content_object group")],
    "sales.stagetransition": [
        (BUSINESS, "id opportunity kind from_stage to_stage at recorded_at amount expected_close job_id voids"),
        (TRACE, "by_id"),
    ],
    "sales.importrun": [
        (SYSTEM, f"id name source pipeline state team check_job apply_job revert_job {_RECORD}"),
        (STAFF, "owner"),
        (TRACE, _WHO),
    ],
    "sales.importfile": [
        (SYSTEM, "id run name digest size lines encoding delimiter quotechar header_row header formats header_key kind mapping confirmed"),
        (CUSTOMER, "samples"),
    ],
    "sales.importquestion": [(SYSTEM, "id run kind rows suggestions choice remembered"), (CUSTOMER, "value")],
    "sales.importrow": [(SYSTEM, "id run file line kind verdict outcome asks reasons target_id key"), (CUSTOMER, "cells facts before changes")],
    "core.approval": [(BUSINESS, "kind amount payload granted"), (STAFF, "asked_by decided_by note"), (SYSTEM, "id subject_type subject_id asked_at decided_at")],
    "service.case": [
        (CUSTOMER, "party organisation reporter heading sort_heading description lot demanded"),
        (BUSINESS, "number type channel priority touchpoint product state opened_at rule due_ack due_solution due_next ack_at paused_since solved_at closed_at"),
        (BUSINESS, "reopened merged_into cause remedy goodwill own_cost"),
        (STAFF, "owner"),
        (TRACE, _WHO),
        (SYSTEM, f"id team {_RECORD}"),
    ],
    "service.caseuserperm": [(STAFF, "user"), (SYSTEM, "id permission content_object")],
    "service.casegroupperm": [(SYSTEM, "id permission content_object group")],
    "service.caselink": [(BUSINESS, "case other"), (TRACE, _WHO), (SYSTEM, f"id {_RECORD}")],
    "service.satisfaction": [(CUSTOMER, "score words"), (BUSINESS, "id case asked_at answered_at")],
    "service.casestep": [(BUSINESS, "id case kind to_state at recorded_at before voids"), (TRACE, "by_id")],
    "service.escalation": [(BUSINESS, "id case clock due_at rule_id at")],
    "service.businesscalendar": [(SYSTEM, "id key label_de label_en position active region always")],
    "service.openinghours": [(SYSTEM, "id calendar weekday opens closes")],
    "service.specialday": [(SYSTEM, "id calendar day yearly name opens closes")],
    "service.desksetup": [(SYSTEM, "id team acknowledges asks ask_after_hours ask_pause_days form_open form_intro_de form_intro_en form_kinds privacy_url")],
    "service.slarule": [(SYSTEM, "id key label_de label_en position active condition calendar ack_hours solution_hours team")],
    "service.cause": [(SYSTEM, "id key label_de label_en position active parent")],
    "service.touchpoint": [(SYSTEM, "id key label_de label_en position active")],
    "service.remedy": [(SYSTEM, "id key label_de label_en position active limit")],
    "service.textmodule": [(SYSTEM, "id key label_de label_en position active body_de body_en")],
    "service.macro": [(SYSTEM, "id key label_de label_en position active take team priority acknowledge text writes wait")],
    "campaigns.segment": [(SYSTEM, f"id name note tree sort_name team {_RECORD}"), (STAFF, "owner"), (TRACE, _WHO)],
    "campaigns.segmentsnapshot": [(SYSTEM, "id segment name tree taken_at size"), (TRACE, "by")],
    "campaigns.frequencycap": [(SYSTEM, "id mails days")],
    "campaigns.campaign": [
        (SYSTEM, f"id name sort_name goal segment purpose language sender metric effect control days send_at counts state snapshot released_at started_at ended_at job team {_RECORD}"),
        (BUSINESS, "budget"),
        (STAFF, "owner released_by"),
        (TRACE, _WHO),
    ],
    "campaigns.variant": [(SYSTEM, f"id campaign position subject preheader blocks {_RECORD}"), (TRACE, _WHO)],
    "campaigns.campaignimage": [(SYSTEM, "id campaign file kind size")],
    "campaigns.campaigncost": [(BUSINESS, "id campaign what amount"), (TRACE, _WHO), (SYSTEM, _RECORD)],
    "campaigns.delivery": [(HISTORY, "party arm reason address mail told at"), (TOUCHES, "counted click_entry"), (SYSTEM, "id campaign")],
    "campaigns.touch": [(TOUCHES, "delivery kind link at agent verdict reason"), (SYSTEM, "id")],
    "campaigns.maildesign": [(SYSTEM, "id imprint colour four_eyes_above")],
    "campaigns.journey": [(SYSTEM, f"id name sort_name note purpose language draft state live since eyes looked_on ended_at team {_RECORD}"), (STAFF, "owner"), (TRACE, _WHO)],
    "campaigns.journeyversion": [(SYSTEM, "id journey number definition purpose language published_at"), (TRACE, "published_by")],
    "campaigns.journeymember": [(CUSTOMER, "party"), (SYSTEM, "id journey segment")],
    "campaigns.run": [(HISTORY, "party occurrence began_at state step due_at ended_at"), (SYSTEM, "id journey version tries trouble")],
    "campaigns.runstep": [(HISTORY, "step kind outcome at subject_type subject_id"), (SYSTEM, "id run")],
    "campaigns.runmail": [(HISTORY, "address mail told"), (SYSTEM, "id run step")],
    "campaigns.segmentmember": [(CUSTOMER, "party"), (SYSTEM, "id snapshot")],
    "analytics.forecastsnapshot": [(BUSINESS, "id as_of opportunity_id team_id stage_id amount rate sample expected_close"), (STAFF, "owner_id")],
    "analytics.reportsubscription": [(STAFF, "user report since"), (SYSTEM, "id")],
}
