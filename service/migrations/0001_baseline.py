"""All tables of cases up to the first release, in one piece; an installation that took the steps before has them already."""

import crm.core.fold
import datetime
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
import service.reference
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("service", name) for name in (
        "0001_initial",
        "0002_ledgers",
        "0003_desk_setup",
        "0004_desk_setup_audited",
        "0005_satisfaction",
        "0006_satisfaction_audited",
        "0007_public_form",
        "0008_find_by_words",
    )]

    dependencies = [
        ('accounts', '0001_baseline'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('catalog', '0001_baseline'),
        ('contacts', '0001_baseline'),
        ('core', '0001_baseline_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='BusinessCalendar',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('region', models.CharField(blank=True, choices=[('DE', 'Germany: only what all states keep'), ('BW', 'Baden-Württemberg'), ('BY', 'Bavaria'), ('BY-K', 'Bavaria, mostly Catholic communities'), ('Augsburg', 'Bavaria, city of Augsburg'), ('BE', 'Berlin'), ('BB', 'Brandenburg'), ('HB', 'Bremen'), ('HH', 'Hamburg'), ('HE', 'Hesse'), ('MV', 'Mecklenburg-Western Pomerania'), ('NI', 'Lower Saxony'), ('NW', 'North Rhine-Westphalia'), ('RP', 'Rhineland-Palatinate'), ('SL', 'Saarland'), ('SN', 'Saxony'), ('SN-K', 'Saxony, Catholic communities'), ('ST', 'Saxony-Anhalt'), ('SH', 'Schleswig-Holstein'), ('TH', 'Thuringia'), ('TH-K', 'Thuringia, Catholic communities')], default='', help_text='Empty: holidays are days like any other.', max_length=10, verbose_name='public holidays of')),
                ('always', models.BooleanField(default=False, help_text='Every hour counts; the hours of the week below are then ignored.', verbose_name='around the clock')),
            ],
            options={
                'verbose_name': 'business calendar',
                'verbose_name_plural': 'business calendars',
                'ordering': ['position', 'key'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='TextModule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('body_de', models.TextField(verbose_name='text (German)')),
                ('body_en', models.TextField(verbose_name='text (English)')),
            ],
            options={
                'verbose_name': 'text module',
                'verbose_name_plural': 'text modules',
                'ordering': ['position', 'key'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Touchpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'touchpoint',
                'verbose_name_plural': 'touchpoints',
                'ordering': ['position', 'key'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Cause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='service.cause', verbose_name='belongs to')),
            ],
            options={
                'verbose_name': 'cause',
                'verbose_name_plural': 'causes',
                'ordering': ['position', 'key'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(('parent', models.F('id')), _negated=True), name='cause_not_own_parent', violation_error_message='A cause cannot belong to itself.')],
            },
        ),
        migrations.CreateModel(
            name='Remedy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('limit', models.DecimalField(blank=True, decimal_places=2, help_text='Beyond that a second person approves it. Empty: never.', max_digits=12, null=True, verbose_name='goodwill without approval up to')),
            ],
            options={
                'verbose_name': 'remedy',
                'verbose_name_plural': 'remedies',
                'ordering': ['position', 'key'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(('limit__isnull', True), ('limit__gte', 0), _connector='OR'), name='remedy_limit', violation_error_message='An amount cannot be negative.')],
            },
        ),
        migrations.CreateModel(
            name='SlaRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('condition', models.JSONField(blank=True, default=dict, verbose_name='holds for')),
                ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rules', to='service.businesscalendar', verbose_name='business calendar')),
                ('ack_hours', models.DecimalField(blank=True, decimal_places=2, max_digits=7, null=True, verbose_name='acknowledged within (business hours)')),
                ('solution_hours', models.DecimalField(blank=True, decimal_places=2, max_digits=7, null=True, verbose_name='solved within (business hours)')),
                ('team', models.ForeignKey(blank=True, help_text='New cases of this kind go to this team. Empty: they stay with the team of whoever takes them down.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='queue')),
            ],
            options={
                'verbose_name': 'promised time',
                'verbose_name_plural': 'promised times',
                'ordering': ['position', 'key'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(('ack_hours__isnull', True), ('ack_hours__gt', 0), _connector='OR'), name='ack_hours_positive', violation_error_message='More than no time.'), models.CheckConstraint(condition=models.Q(('solution_hours__isnull', True), ('solution_hours__gt', 0), _connector='OR'), name='solution_hours_positive', violation_error_message='More than no time.')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='team')),
                ('number', models.CharField(editable=False, max_length=20, unique=True, verbose_name='number')),
                ('type', models.CharField(choices=[('question', 'question'), ('fault', 'fault'), ('request', 'request'), ('complaint', 'complaint')], default='complaint', max_length=10, verbose_name='type')),
                ('heading', models.CharField(max_length=160, verbose_name='subject')),
                ('description', models.TextField(blank=True, default='', max_length=20000, verbose_name='what happened')),
                ('party', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='contacts.party', verbose_name='customer')),
                ('organisation', models.ForeignKey(blank=True, editable=False, limit_choices_to={'kind': 'organisation'}, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases_of_staff', to='contacts.party', verbose_name='organisation')),
                ('reporter', models.CharField(blank=True, default='', max_length=160, verbose_name='who reports it')),
                ('channel', models.CharField(choices=[('phone', 'telephone'), ('mail', 'e-mail'), ('letter', 'letter'), ('personal', 'in person'), ('form', 'form on the web')], default='phone', max_length=10, verbose_name='channel')),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'urgent'), (2, 'high'), (3, 'normal'), (4, 'low')], default=3, verbose_name='priority')),
                ('touchpoint', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='service.touchpoint', verbose_name='touchpoint')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='catalog.product', verbose_name='product')),
                ('lot', models.CharField(blank=True, default='', max_length=60, verbose_name='lot or serial number')),
                ('demanded', models.CharField(blank=True, default='', max_length=300, verbose_name='demanded')),
                ('state', models.CharField(choices=[('new', 'new'), ('open', 'in progress'), ('waiting', 'waits for the customer'), ('solved', 'solved'), ('closed', 'closed')], default='new', editable=False, max_length=7, verbose_name='state')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='opened')),
                ('rule', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='service.slarule', verbose_name='promised time')),
                ('due_ack', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='to be acknowledged by')),
                ('due_solution', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='to be solved by')),
                ('ack_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='acknowledged')),
                ('paused_since', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='waits since')),
                ('solved_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='solved')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('reopened', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='reopened')),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='service.case', verbose_name='merged into')),
                ('cause', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='service.cause', verbose_name='cause')),
                ('remedy', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='service.remedy', verbose_name='granted')),
                ('goodwill', models.DecimalField(decimal_places=2, default=0, editable=False, max_digits=12, verbose_name='goodwill')),
                ('own_cost', models.DecimalField(decimal_places=2, default=0, editable=False, max_digits=12, verbose_name='own cost')),
                ('due_next', models.GeneratedField(db_persist=True, expression=models.Case(models.When(state__in=['solved', 'closed'], then=None), default=django.db.models.functions.comparison.Least(models.Case(models.When(ack_at__isnull=True, then=models.F('due_ack')), default=None), models.F('due_solution')), output_field=models.DateTimeField()), output_field=models.DateTimeField(null=True, verbose_name='due'))),
                ('sort_heading', models.GeneratedField(db_persist=True, expression=crm.core.fold.Sort('heading'), output_field=models.TextField(db_collation='C'))),
            ],
            options={
                'verbose_name': 'case',
                'verbose_name_plural': 'cases',
                'indexes': [models.Index(condition=models.Q(('state__in', ['solved', 'closed']), _negated=True), fields=['due_next', 'id'], include=('team', 'owner', 'state'), name='case_queue'), models.Index(fields=['party', '-opened_at'], name='case_party'), models.Index(fields=['organisation', '-opened_at'], name='case_organisation'), models.Index(condition=models.Q(('state__in', ['solved', 'closed']), _negated=True), fields=['owner', 'due_next'], name='case_owner'), models.Index(fields=['opened_at', 'cause'], include=('goodwill', 'own_cost', 'type', 'team', 'owner'), name='case_causes'), models.Index(django.db.models.functions.text.Upper('lot'), name='case_lot'), models.Index(django.db.models.functions.text.Upper('number'), name='case_number'), django.contrib.postgres.indexes.GinIndex(crm.core.fold.Grams('sort_heading'), name='case_grams')],
                'constraints': [models.CheckConstraint(condition=models.Q(('priority__range', (1, 4))), name='case_priority'), models.CheckConstraint(condition=models.Q(models.Q(('paused_since__isnull', False), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('paused_since__isnull', True)), _connector='OR'), name='case_waits_since'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed')), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at__isnull', True)), _connector='OR'), name='case_closed_at'), models.CheckConstraint(condition=models.Q(('state__in', ['solved', 'closed']), ('solved_at__isnull', True), _connector='OR'), name='case_solved_at'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'solved'), _negated=True), ('solved_at__isnull', False), _connector='OR'), name='case_solved_when'), models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), models.Q(('state', 'closed'), models.Q(('merged_into', models.F('id')), _negated=True)), _connector='OR'), name='case_merged_is_closed'), models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', True), ('state__in', ['solved', 'closed']), ('type', 'complaint'), _negated=True), models.Q(('cause__isnull', False), ('remedy__isnull', False)), _connector='OR'), name='complaint_has_cause_and_remedy', violation_error_message='A complaint that is solved names its cause and what was granted.'), models.CheckConstraint(condition=models.Q(('goodwill__gte', 0), ('own_cost__gte', 0)), name='case_money', violation_error_message='An amount cannot be negative.')],
            },
        ),
        migrations.CreateModel(
            name='DeskSetup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('team', models.ForeignKey(blank=True, help_text='A promise that names a team comes first.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='queue for what comes in')),
                ('acknowledges', models.BooleanField(default=True, help_text='A new case is confirmed by mail, at most four times a day to one address and never to a machine. The words are under “Words of mails”.', verbose_name='confirm receipt')),
                ('asks', models.BooleanField(default=False, help_text='After a case is closed its customer is asked by mail. Courts treat this as advertising: switch it on if your customers agreed, or may be written to as customers.', verbose_name='ask how it was')),
                ('ask_after_hours', models.PositiveSmallIntegerField(default=24, validators=[django.core.validators.MaxValueValidator(720)], verbose_name='hours after closing')),
                ('ask_pause_days', models.PositiveSmallIntegerField(default=90, help_text='To one customer.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)], verbose_name='at most once in so many days')),
                ('form_open', models.BooleanField(default=False, help_text='Anybody who knows its address may write to you, without an account.', verbose_name='the form is open')),
                ('form_intro_de', models.TextField(blank=True, default='', max_length=2000, verbose_name='introduction (German)')),
                ('form_intro_en', models.TextField(blank=True, default='', max_length=2000, verbose_name='introduction (English)')),
                ('form_kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), default=service.reference.every_kind, size=None, verbose_name='what people may write about')),
                ('privacy_url', models.URLField(blank=True, default='', help_text='The form links to it. Without one it says in a sentence what becomes of the words.', max_length=300, verbose_name='address of your privacy notice')),
            ],
            options={
                'verbose_name': 'set-up of the desk',
                'verbose_name_plural': 'set-up of the desk',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='desk_setup_single'), models.CheckConstraint(condition=models.Q(('ask_after_hours__lte', 720), ('ask_pause_days__range', (1, 3650))), name='desk_setup_asks'), models.CheckConstraint(condition=models.Q(('form_kinds__contained_by', ['question', 'fault', 'request', 'complaint']), ('form_kinds__len__gt', 0)), name='desk_setup_form_kinds')],
            },
        ),
        migrations.CreateModel(
            name='Escalation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='escalations', to='service.case')),
                ('clock', models.CharField(choices=[('ack', 'acknowledgement'), ('solution', 'solution')], max_length=8)),
                ('due_at', models.DateTimeField()),
                ('rule_id', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'escalation',
                'constraints': [models.UniqueConstraint(fields=('case', 'clock', 'due_at'), name='escalated_once')],
            },
        ),
        migrations.CreateModel(
            name='OpeningHours',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='service.businesscalendar', verbose_name='business calendar')),
                ('weekday', models.PositiveSmallIntegerField(choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], verbose_name='weekday')),
                ('opens', models.TimeField(verbose_name='from')),
                ('closes', models.TimeField(help_text='00:00 is midnight.', verbose_name='until')),
            ],
            options={
                'verbose_name': 'hours of the week',
                'verbose_name_plural': 'hours of the week',
                'ordering': ['weekday', 'opens'],
                'constraints': [models.CheckConstraint(condition=models.Q(('closes__gt', models.F('opens')), ('closes', datetime.time(0, 0)), _connector='OR'), name='hours_in_order', violation_error_message='It closes after it opens.'), models.CheckConstraint(condition=models.Q(('weekday__lte', 6)), name='hours_of_a_weekday')],
            },
        ),
        migrations.CreateModel(
            name='Satisfaction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='satisfaction', to='service.case')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('score', models.PositiveSmallIntegerField(null=True, verbose_name='satisfaction')),
                ('words', models.TextField(blank=True, default='', max_length=2000, verbose_name="in the customer's words")),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
            ],
            options={
                'verbose_name': 'satisfaction',
                'indexes': [models.Index(fields=['asked_at'], name='satisfaction_asked')],
                'constraints': [models.CheckConstraint(condition=models.Q(('score__isnull', True), ('score__range', (1, 5)), _connector='OR'), name='satisfaction_score'), models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('score__isnull', True)), models.Q(('answered_at__isnull', False), ('score__isnull', False)), _connector='OR'), name='satisfaction_whole')],
            },
        ),
        migrations.CreateModel(
            name='SpecialDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='special_days', to='service.businesscalendar', verbose_name='business calendar')),
                ('day', models.DateField(verbose_name='day')),
                ('yearly', models.BooleanField(default=False, verbose_name='every year')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('opens', models.TimeField(blank=True, help_text='Empty: closed all day.', null=True, verbose_name='open only from')),
                ('closes', models.TimeField(blank=True, null=True, verbose_name='open only until')),
            ],
            options={
                'verbose_name': 'special day',
                'verbose_name_plural': 'special days',
                'ordering': ['day'],
                'constraints': [models.UniqueConstraint(fields=('calendar', 'day'), name='special_day_once', violation_error_message='This day is there already.'), models.CheckConstraint(condition=models.Q(models.Q(('closes__isnull', True), ('opens__isnull', True)), models.Q(('closes__gt', models.F('opens')), ('closes__isnull', False), ('opens__isnull', False)), _connector='OR'), name='special_day_span', violation_error_message='Either both times, the later one last, or none.')],
            },
        ),
        migrations.CreateModel(
            name='Macro',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('take', models.BooleanField(default=False, verbose_name='take it over')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='hand over to the team')),
                ('priority', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='set the priority')),
                ('acknowledge', models.BooleanField(default=False, verbose_name='acknowledge')),
                ('text', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='service.textmodule', verbose_name='write the text')),
                ('writes', models.CharField(choices=[('answer', 'as an answer to the customer'), ('note', 'as an internal note')], default='answer', max_length=6, verbose_name='how it is written')),
                ('wait', models.BooleanField(default=False, verbose_name='wait for the customer')),
            ],
            options={
                'verbose_name': 'macro',
                'verbose_name_plural': 'macros',
                'ordering': ['position', 'key'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(('take', True), ('team__isnull', False), _negated=True), name='macro_one_owner', violation_error_message='Either take it over or hand it over.'), models.CheckConstraint(condition=models.Q(('priority__isnull', True), ('priority__range', (1, 4)), _connector='OR'), name='macro_priority')],
            },
        ),
        migrations.CreateModel(
            name='CaseGroupPerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.group')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_shares', to='service.case')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'unique_together': {('group', 'permission', 'content_object')},
            },
        ),
        migrations.CreateModel(
            name='CaseLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='service.case')),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='linked_by', to='service.case')),
            ],
            options={
                'verbose_name': 'link between cases',
                'constraints': [models.UniqueConstraint(fields=('case', 'other'), name='case_link_once'), models.CheckConstraint(condition=models.Q(('case__lt', models.F('other'))), name='case_link_order')],
            },
        ),
        migrations.CreateModel(
            name='CaseStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='steps', to='service.case')),
                ('kind', models.CharField(choices=[('open', 'opened'), ('take', 'taken over'), ('assign', 'assigned'), ('ack', 'acknowledged'), ('wait', 'made to wait'), ('resume', 'resumed'), ('solve', 'solved'), ('reopen', 'reopened'), ('close', 'closed'), ('merge', 'merged'), ('grant', 'granted'), ('void', 'taken back')], max_length=7)),
                ('to_state', models.CharField(choices=[('new', 'new'), ('open', 'in progress'), ('waiting', 'waits for the customer'), ('solved', 'solved'), ('closed', 'closed')], max_length=7)),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(auto_now_add=True)),
                ('by_id', models.BigIntegerField(null=True)),
                ('before', models.JSONField(default=dict)),
                ('voids', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='voided_by', to='service.casestep')),
            ],
            options={
                'verbose_name': 'step of a case',
                'indexes': [models.Index(fields=['case', 'at', 'id'], name='case_step_order')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'void'), ('voids__isnull', False)), models.Q(models.Q(('kind', 'void'), _negated=True), ('voids__isnull', True)), _connector='OR'), name='case_void_names_its_row')],
            },
        ),
        migrations.CreateModel(
            name='CaseUserPerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='user_shares', to='service.case')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'unique_together': {('user', 'permission', 'content_object')},
            },
        ),
    ]
