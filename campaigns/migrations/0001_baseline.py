"""All tables of campaigns and journeys up to the first release, in one piece; an installation that took the steps before has them already."""

import crm.core.fold
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("campaigns", name) for name in (
        "0001_initial",
        "0002_ledgers",
        "0003_frequency_cap",
        "0004_campaign",
        "0005_campaign_audit",
        "0006_touch",
        "0007_touch_ledger",
        "0008_journey",
    )]

    dependencies = [
        ('accounts', '0001_baseline'),
        ('contacts', '0001_baseline'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('core', '0002_baseline'),
    ]

    operations = [
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='team')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='what for')),
                ('tree', models.JSONField(blank=True, default=dict, verbose_name='who belongs to it')),
                ('sort_name', models.GeneratedField(db_persist=True, expression=crm.core.fold.Sort('name'), output_field=models.TextField(db_collation='C'))),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
                'indexes': [models.Index(fields=['sort_name', 'id'], include=('team', 'owner'), name='segment_name')],
            },
        ),
        migrations.CreateModel(
            name='SegmentSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('segment', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='snapshots', to='campaigns.segment', verbose_name='segment')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('tree', models.JSONField(default=dict)),
                ('taken_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='as of')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='kept by')),
                ('size', models.PositiveIntegerField(verbose_name='contacts')),
            ],
            options={
                'verbose_name': 'kept state of a segment',
                'verbose_name_plural': 'kept states of segments',
                'indexes': [models.Index(fields=['segment', '-taken_at'], name='snapshot_of_segment')],
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='team')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('goal', models.CharField(blank=True, default='', max_length=300, verbose_name='what it is to achieve')),
                ('segment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='campaigns.segment', verbose_name='segment')),
                ('purpose', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='contacts.consentpurpose', verbose_name='purpose')),
                ('language', models.CharField(choices=[('de', 'German'), ('en', 'English')], default='de', max_length=2, verbose_name='language')),
                ('sender', models.CharField(blank=True, default='', help_text='For instance sales@firm.example, with a name in front of it if you like. Empty: the sender of the house.', max_length=320, verbose_name='sender')),
                ('metric', models.CharField(choices=[('reply', 'replies'), ('opportunity', 'new opportunities')], default='reply', max_length=12, verbose_name='success is')),
                ('effect', models.PositiveSmallIntegerField(default=25, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(300)], verbose_name='smallest difference worth having (%)')),
                ('control', models.PositiveSmallIntegerField(default=5, validators=[django.core.validators.MaxValueValidator(50)], verbose_name='control group (%)')),
                ('days', models.PositiveSmallIntegerField(default=14, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)], verbose_name='counts for so many days')),
                ('budget', models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='budget')),
                ('send_at', models.DateTimeField(blank=True, null=True, verbose_name='to be sent')),
                ('counts', models.BooleanField(default=False, editable=False, verbose_name='opens and clicks are counted')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('ready', 'waits for release'), ('released', 'scheduled'), ('running', 'is being sent'), ('paused', 'paused'), ('done', 'sent'), ('cancelled', 'cancelled')], default='draft', editable=False, max_length=9, verbose_name='state')),
                ('snapshot', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='campaigns.segmentsnapshot')),
                ('released_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='released by')),
                ('released_at', models.DateTimeField(editable=False, null=True, verbose_name='released')),
                ('started_at', models.DateTimeField(editable=False, null=True, verbose_name='started')),
                ('ended_at', models.DateTimeField(editable=False, null=True, verbose_name='ended')),
                ('job', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('sort_name', models.GeneratedField(db_persist=True, expression=crm.core.fold.Sort('name'), output_field=models.TextField(db_collation='C'))),
            ],
            options={
                'verbose_name': 'campaign',
                'verbose_name_plural': 'campaigns',
                'indexes': [models.Index(fields=['sort_name', 'id'], include=('team', 'owner'), name='campaign_name'), models.Index(condition=models.Q(('state', 'released')), fields=['send_at'], name='campaign_due'), models.Index(condition=models.Q(('state', 'running')), fields=['id'], name='campaign_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('control__lte', 50), ('days__range', (1, 365)), ('effect__range', (5, 300))), name='campaign_test'), models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'ready', 'cancelled']), models.Q(('released_at__isnull', False), ('released_by__isnull', False)), _connector='OR'), name='campaign_released_by'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['running', 'paused', 'done']), _negated=True), ('started_at__isnull', False), _connector='OR'), name='campaign_started'), models.CheckConstraint(condition=models.Q(('released_at__isnull', True), models.Q(('purpose__isnull', False), ('segment__isnull', False)), _connector='OR'), name='campaign_to_whom_what_for'), models.CheckConstraint(condition=models.Q(('state__in', ['done', 'cancelled']), ('ended_at__isnull', True), _connector='OR'), name='campaign_ended')],
            },
        ),
        migrations.CreateModel(
            name='CampaignCost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='costs', to='campaigns.campaign')),
                ('what', models.CharField(max_length=120, verbose_name='what for')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12, validators=[django.core.validators.MinValueValidator(0)], verbose_name='amount')),
            ],
            options={
                'verbose_name': 'cost',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='campaign_cost_amount')],
            },
        ),
        migrations.CreateModel(
            name='CampaignImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='images', to='campaigns.campaign')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.mailfile')),
                ('kind', models.CharField(max_length=30)),
                ('size', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'file'), name='campaign_image_once')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='campaigns.campaign')),
                ('party', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='contacts.party')),
                ('arm', models.SmallIntegerField(null=True)),
                ('reason', models.CharField(blank=True, default='', max_length=30)),
                ('address', models.CharField(blank=True, default='', max_length=320)),
                ('mail', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='delivery', to='core.outgoingmail')),
                ('told', models.BooleanField(default=False)),
                ('counted', models.BooleanField(default=False)),
                ('click_entry', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'delivery',
                'indexes': [models.Index(fields=['party'], name='delivery_of_party'), models.Index(condition=models.Q(('mail__isnull', False), ('told', False)), fields=['campaign', 'id'], name='delivery_untold'), models.Index(condition=models.Q(('counted', True)), fields=['campaign', 'id'], name='delivery_counted')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'party'), name='delivery_party_once'), models.UniqueConstraint(condition=models.Q(('address', ''), _negated=True), fields=('campaign', 'address'), name='delivery_address_once'), models.CheckConstraint(condition=models.Q(models.Q(('arm__gte', 0), ('reason', ''), models.Q(('address', ''), _negated=True)), models.Q(('address', ''), ('arm', -1), ('reason', '')), models.Q(('address', ''), ('arm__isnull', True), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='delivery_goes_or_not')],
            },
        ),
        migrations.CreateModel(
            name='FrequencyCap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mails', models.PositiveSmallIntegerField(default=2, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='at most so many advertising mails')),
                ('days', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)], verbose_name='to one address within so many days')),
            ],
            options={
                'verbose_name': 'limit of advertising',
                'verbose_name_plural': 'limit of advertising',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_frequency_cap'), models.CheckConstraint(condition=models.Q(('days__range', (1, 365)), ('mails__range', (1, 100))), name='frequency_cap_range')],
            },
        ),
        migrations.CreateModel(
            name='Journey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='team')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='what it is to achieve')),
                ('purpose', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='journeys', to='contacts.consentpurpose', verbose_name='purpose')),
                ('language', models.CharField(choices=[('de', 'German'), ('en', 'English')], default='de', max_length=2, verbose_name='language')),
                ('draft', models.JSONField(blank=True, default=dict, editable=False, verbose_name='flow')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('running', 'running'), ('paused', 'paused'), ('ended', 'ended')], default='draft', editable=False, max_length=7, verbose_name='state')),
                ('since', models.DateTimeField(editable=False, null=True)),
                ('eyes', models.CharField(default='', editable=False, max_length=64)),
                ('looked_on', models.DateField(editable=False, null=True)),
                ('ended_at', models.DateTimeField(editable=False, null=True, verbose_name='ended')),
                ('sort_name', models.GeneratedField(db_persist=True, expression=crm.core.fold.Sort('name'), output_field=models.TextField(db_collation='C'))),
            ],
            options={
                'verbose_name': 'journey',
                'verbose_name_plural': 'journeys',
                'indexes': [models.Index(fields=['sort_name', 'id'], include=('team', 'owner'), name='journey_name')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['running', 'paused']), _negated=True), ('owner__isnull', False), _connector='OR'), name='journey_has_owner'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state', 'ended')), models.Q(models.Q(('state', 'ended'), _negated=True), ('ended_at__isnull', True)), _connector='OR'), name='journey_ended_at')],
            },
        ),
        migrations.CreateModel(
            name='JourneyMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('journey', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='campaigns.journey')),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.segment')),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='contacts.party')),
            ],
            options={
                'verbose_name': 'contact in the segment of a journey',
                'constraints': [models.UniqueConstraint(fields=('journey', 'segment', 'party'), name='journey_member_once')],
            },
        ),
        migrations.CreateModel(
            name='JourneyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('journey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='campaigns.journey')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('definition', models.JSONField(default=dict)),
                ('purpose', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.consentpurpose')),
                ('language', models.CharField(max_length=2)),
                ('published_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='published by')),
                ('published_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='published')),
            ],
            options={
                'verbose_name': 'version of a journey',
                'constraints': [models.UniqueConstraint(fields=('journey', 'number'), name='journey_version_once')],
            },
        ),
        migrations.CreateModel(
            name='MailDesign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('imprint', models.TextField(blank=True, default='', help_text='Name, address, register and who answers for it, as the law asks for in every mail.', max_length=600, verbose_name='imprint')),
                ('colour', models.CharField(default='#0b6470', help_text='As #rrggbb; dark enough for white letters.', max_length=7, verbose_name='colour')),
                ('four_eyes_above', models.PositiveIntegerField(default=50, verbose_name='a second person releases from so many recipients')),
            ],
            options={
                'verbose_name': 'design of mails to many',
                'verbose_name_plural': 'design of mails to many',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='mail_design_single')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('journey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='campaigns.journey')),
                ('version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='campaigns.journeyversion')),
                ('party', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='contacts.party')),
                ('occurrence', models.CharField(max_length=60)),
                ('began_at', models.DateTimeField(verbose_name='began')),
                ('state', models.CharField(choices=[('waiting', 'on the way'), ('done', 'at the end'), ('left', 'left'), ('failed', 'stuck')], default='waiting', max_length=7, verbose_name='state')),
                ('step', models.CharField(blank=True, default='', max_length=12)),
                ('due_at', models.DateTimeField(verbose_name='next step')),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('trouble', models.TextField(blank=True, default='')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
            ],
            options={
                'verbose_name': 'run of a journey',
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at', 'id'], name='run_due'), models.Index(fields=['party'], name='run_of_party'), models.Index(condition=models.Q(('state__in', ['waiting', 'failed'])), fields=['journey', 'step'], name='run_at_step')],
                'constraints': [models.UniqueConstraint(fields=('journey', 'party', 'occurrence'), name='run_once'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state', 'waiting'), models.Q(('step', ''), _negated=True)), models.Q(('ended_at__isnull', True), ('state', 'failed')), models.Q(('ended_at__isnull', False), ('state__in', ['done', 'left'])), _connector='OR'), name='run_waits_or_ended')],
            },
        ),
        migrations.CreateModel(
            name='RunMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='campaigns.run')),
                ('step', models.CharField(max_length=12)),
                ('address', models.CharField(max_length=320)),
                ('mail', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='run_mail', to='core.outgoingmail')),
                ('told', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'mail of a journey',
                'indexes': [models.Index(condition=models.Q(('mail__isnull', False), ('told', False)), fields=['id'], name='run_mail_untold')],
                'constraints': [models.UniqueConstraint(fields=('run', 'step'), name='run_mail_once')],
            },
        ),
        migrations.CreateModel(
            name='RunStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_type', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contenttypes.contenttype')),
                ('subject_id', models.BigIntegerField(blank=True, editable=False, null=True)),
                ('run', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='steps', to='campaigns.run')),
                ('step', models.CharField(max_length=12)),
                ('kind', models.CharField(max_length=12)),
                ('outcome', models.CharField(max_length=30)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'step of a run',
                'indexes': [models.Index(condition=models.Q(('subject_id__isnull', False)), fields=['subject_type', 'subject_id'], name='run_step_subject')],
                'constraints': [models.UniqueConstraint(fields=('run', 'step'), name='run_step_once')],
            },
        ),
        migrations.CreateModel(
            name='SegmentMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='members', to='campaigns.segmentsnapshot')),
                ('party', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='contacts.party')),
            ],
            options={
                'verbose_name': 'contact of a kept state',
                'indexes': [models.Index(fields=['party'], name='snapshot_of_party')],
                'constraints': [models.UniqueConstraint(fields=('snapshot', 'party'), name='snapshot_party_once')],
            },
        ),
        migrations.CreateModel(
            name='Touch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='touches', to='campaigns.delivery')),
                ('kind', models.CharField(choices=[('open', 'Open'), ('click', 'Click'), ('trap', 'Trap')], max_length=5)),
                ('link', models.PositiveSmallIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('agent', models.CharField(choices=[('browser', 'Browser'), ('program', 'Program'), ('proxy', 'Proxy'), ('apple', 'Apple'), ('scanner', 'Scanner'), ('script', 'Script'), ('old', 'Old'), ('none', 'None'), ('other', 'Other')], max_length=7)),
                ('verdict', models.CharField(choices=[('human', 'Human'), ('machine', 'Machine'), ('unknown', 'Unknown')], max_length=7)),
                ('reason', models.CharField(choices=[('scanner', 'called by no program that people use'), ('head', 'it asked without wanting the page'), ('ahead', 'fetched ahead, not clicked'), ('soon', 'within seconds of the hand-over'), ('trap', 'a link nobody sees was followed'), ('sweep', 'several links in a moment'), ('apple', 'Apple Mail fetches every picture, read or not'), ('proxy', 'the provider fetches pictures by itself'), ('strange', 'neither a browser nor a mail program'), ('plain', 'nothing speaks against a person')], max_length=7)),
            ],
            options={
                'verbose_name': 'touch',
                'indexes': [models.Index(fields=['delivery', 'at', 'id'], name='touch_of_delivery')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'click'), ('link__gte', 1)), models.Q(('kind__in', ['open', 'trap']), ('link', 0)), _connector='OR'), name='touch_of_a_link_or_none')],
            },
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='campaigns.campaign')),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('subject', models.CharField(blank=True, default='', max_length=200, verbose_name='subject')),
                ('preheader', models.CharField(blank=True, default='', help_text='The first words a mail program shows beside the subject.', max_length=200, verbose_name='preview text')),
                ('blocks', models.JSONField(blank=True, default=list, verbose_name='content')),
            ],
            options={
                'verbose_name': 'variant',
                'ordering': ['position'],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'position'), name='variant_position_once')],
            },
        ),
        migrations.AddField(
            model_name='journey',
            name='live',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.journeyversion'),
        ),
        migrations.AddConstraint(
            model_name='journey',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'draft'), ('live__isnull', False), _connector='OR'), name='journey_runs_a_version'),
        ),
        migrations.AddConstraint(
            model_name='journey',
            constraint=models.CheckConstraint(condition=models.Q(('live__isnull', True), ('since__isnull', False), _connector='OR'), name='journey_since'),
        ),
    ]
