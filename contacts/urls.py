"""Addresses of contacts."""

from django.urls import include, path

from contacts import address_pages, care_pages, consent_pages, entries, pages
from contacts.crud import Organisations, People
from crm.core import converters  # noqa: F401  (the import registers <id:pk>)

urlpatterns = [
    path("people/assign/", pages.person_assign, name="person-assign"),
    path("people/tag/", pages.person_tag, name="person-tag"),
    path("people/merge/", care_pages.person_merge, name="person-merge"),
    path("people/duplicates/", pages.person_duplicates, name="person-duplicates"),
    path("people/letter/", pages.person_letter, name="person-letter"),
    path("people/", include(People.urls())),
    path("organisations/assign/", pages.organisation_assign, name="organisation-assign"),
    path("organisations/tag/", pages.organisation_tag, name="organisation-tag"),
    path("organisations/merge/", care_pages.organisation_merge, name="organisation-merge"),
    path("organisations/duplicates/", pages.organisation_duplicates, name="organisation-duplicates"),
    path("organisations/letter/", pages.organisation_letter, name="organisation-letter"),
    path("organisations/", include(Organisations.urls())),
    path("duplicates/", care_pages.duplicate_list, name="duplicate-list"),
    path("duplicates/search/", care_pages.duplicate_search, name="duplicate-search"),
    path("duplicates/<id:pk>/different/", care_pages.duplicate_not_same, name="duplicate-not-same"),
    path("duplicates/<id:pk>/again/", care_pages.duplicate_reopen, name="duplicate-reopen"),
    path("merges/<id:pk>/undo/", care_pages.merge_undo, name="merge-undo"),
    path("<id:pk>/merge/<id:other>/", care_pages.party_merge, name="party-merge"),
    path("options/", pages.party_options, name="party-options"),
    path("due/", pages.due_words, name="due-words"),
    path("tasks/<id:pk>/done/", entries.task_done, name="task-done"),
    path("tasks/<id:pk>/snooze/", entries.task_snooze, name="task-snooze"),
    path("entries/<id:pk>/edit/", entries.interaction_update, name="interaction-update"),
    path("entries/<id:pk>/delete/", entries.interaction_delete, name="interaction-delete"),
    path("<id:pk>/", pages.party_detail, name="party-detail"),
    path("<id:pk>/timeline/", pages.party_timeline, name="party-timeline"),
    path("<id:pk>/log/", pages.party_log, name="party-log"),
    path("<id:pk>/cell/<slug:name>/", pages.party_cell, name="party-cell"),
    path("<id:pk>/hint/accept/", pages.party_hint_accept, name="party-hint-accept"),
    path("<id:pk>/hint/dismiss/", pages.party_hint_dismiss, name="party-hint-dismiss"),
    path("<id:pk>/addresses/<slug:kind>/", address_pages.address_add, name="party-address-add"),
    path("<id:pk>/addresses/<slug:kind>/<id:row>/", address_pages.address_edit, name="party-address"),
    path("<id:pk>/addresses/<slug:kind>/<id:row>/main/", address_pages.address_main, name="party-address-main"),
    path("<id:pk>/addresses/<slug:kind>/<id:row>/delete/", address_pages.address_delete, name="party-address-delete"),
    path("<id:pk>/consents/", consent_pages.party_consents, name="party-consents"),
    path("<id:pk>/consents/evidence/", consent_pages.party_consents_pdf, name="party-consents-pdf"),
    path("<id:pk>/consents/<slug:kind>/<id:row>/", consent_pages.party_consent_record, name="party-consent-record"),
    path("<id:pk>/share/", pages.party_share, name="party-share"),
    path("<id:pk>/unshare/", pages.party_unshare, name="party-unshare"),
    path("<id:pk>/changes/", pages.party_changes_page, name="party-changes"),
    path("<id:pk>/why/", pages.party_why, name="party-why"),
]
