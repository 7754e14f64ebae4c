"""All tables of opportunities up to the first release, in one piece; an installation that took the steps before has them already."""

import crm.core.fold
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("sales", name) for name in (
        "0001_initial",
        "0002_ledgers",
        "0003_imports",
        "0004_find_by_words",
    )]

    dependencies = [
        ('accounts', '0001_baseline'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('catalog', '0001_baseline'),
        ('contacts', '0001_baseline'),
        ('core', '0002_baseline'),
    ]

    operations = [
        migrations.CreateModel(
            name='LostReason',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('needs_note', models.BooleanField(default=False, verbose_name='asks for a note')),
            ],
            options={
                'verbose_name': 'reason for losing',
                'verbose_name_plural': 'reasons for losing',
                'ordering': ['position', 'key'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Pipeline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'pipeline',
                'verbose_name_plural': 'pipelines',
                'ordering': ['position', 'key'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team', verbose_name='team')),
                ('name', models.CharField(max_length=200, verbose_name='files')),
                ('source', models.CharField(max_length=80, verbose_name='source')),
                ('pipeline', models.CharField(max_length=60, verbose_name='pipeline')),
                ('state', models.CharField(choices=[('mapping', 'columns to confirm'), ('checking', 'being checked'), ('checked', 'checked'), ('applying', 'being brought in'), ('applied', 'brought in'), ('reverting', 'being taken back'), ('reverted', 'taken back')], default='mapping', editable=False, max_length=10, verbose_name='state')),
                ('check_job', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('apply_job', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('revert_job', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
            ],
            options={
                'verbose_name': 'import',
                'verbose_name_plural': 'imports',
            },
        ),
        migrations.CreateModel(
            name='ImportFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='sales.importrun')),
                ('name', models.CharField(max_length=160, verbose_name='file')),
                ('digest', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('lines', models.PositiveIntegerField(default=0)),
                ('encoding', models.CharField(max_length=30)),
                ('delimiter', models.CharField(max_length=1)),
                ('quotechar', models.CharField(max_length=1)),
                ('header_row', models.PositiveIntegerField()),
                ('header', models.JSONField(default=list)),
                ('samples', models.JSONField(default=list)),
                ('formats', models.JSONField(default=list)),
                ('header_key', models.CharField(max_length=64)),
                ('kind', models.CharField(blank=True, choices=[('agent', 'Sales staff and teams'), ('product', 'Products'), ('organisation', 'Organisations'), ('opportunity', 'Opportunities')], default='', max_length=12, verbose_name='content')),
                ('mapping', models.JSONField(default=dict)),
                ('confirmed', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('confirmed', True)), fields=['header_key', '-id'], name='import_file_header')],
            },
        ),
        migrations.CreateModel(
            name='Stage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stages', to='sales.pipeline', verbose_name='pipeline')),
                ('key', models.SlugField(max_length=60, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('probability', models.PositiveSmallIntegerField(help_text='Used until enough opportunities were won or lost to learn it.', validators=[django.core.validators.MaxValueValidator(100, 'A rate is between 0 and 100 %%.')], verbose_name='assumed win rate in %')),
                ('gate', models.JSONField(blank=True, default=dict, verbose_name='conditions to enter')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'stage',
                'verbose_name_plural': 'stages',
                'ordering': ['pipeline', 'position'],
                'constraints': [models.UniqueConstraint(fields=('pipeline', 'key'), name='stage_key_once'), models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('pipeline', 'position'), name='stage_position_once'), models.CheckConstraint(condition=models.Q(('probability__lte', 100)), name='stage_probability', violation_error_message='A rate is between 0 and 100 %%.')],
            },
        ),
        migrations.CreateModel(
            name='Opportunity',
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
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('party', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='contacts.party', verbose_name='contact')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='catalog.product', verbose_name='product')),
                ('state', models.CharField(choices=[('open', 'open'), ('won', 'won'), ('lost', 'lost')], default='open', editable=False, max_length=5, verbose_name='state')),
                ('stage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='sales.stage', verbose_name='stage')),
                ('stage_since', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='in this stage since')),
                ('rank', models.DecimalField(decimal_places=10, default=0, editable=False, max_digits=20)),
                ('amount', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='amount')),
                ('pricing', models.CharField(choices=[('typed', 'as agreed'), ('list', 'list price')], default='typed', editable=False, max_length=5, verbose_name='amount is')),
                ('currency', models.ForeignKey(default='EUR', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.currency', verbose_name='currency')),
                ('opened_on', models.DateField(blank=True, null=True, verbose_name='opened')),
                ('expected_close', models.DateField(blank=True, null=True, verbose_name='expected close')),
                ('closed_on', models.DateField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('lost_reason', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sales.lostreason', verbose_name='reason for losing')),
                ('lost_to', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.party', verbose_name='lost to')),
                ('lost_note', models.CharField(blank=True, default='', editable=False, max_length=300, verbose_name='note')),
                ('source', models.CharField(blank=True, default='', max_length=80, verbose_name='source')),
                ('external_id', models.CharField(blank=True, default='', editable=False, max_length=120, verbose_name='foreign key')),
                ('sort_name', models.GeneratedField(db_persist=True, expression=crm.core.fold.Sort('name'), output_field=models.TextField(db_collation='C'))),
            ],
            options={
                'verbose_name': 'opportunity',
                'verbose_name_plural': 'opportunities',
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['stage', 'rank', 'id'], include=('team', 'owner', 'amount', 'currency', 'state', 'closed_on'), name='opp_board_all'), models.Index(condition=models.Q(('state', 'open')), fields=['team', 'stage', 'rank', 'id'], include=('owner', 'amount', 'currency', 'state', 'closed_on'), name='opp_board_team'), models.Index(condition=models.Q(('state', 'open')), fields=['owner', 'stage', 'rank', 'id'], include=('team', 'amount', 'currency', 'state', 'closed_on'), name='opp_board_owner'), models.Index(condition=models.Q(('state', 'open')), fields=['expected_close', 'team'], include=('id', 'owner', 'amount', 'stage'), name='opp_forecast'), models.Index(condition=models.Q(('state', 'open'), _negated=True), fields=['closed_on', 'team'], include=('id', 'owner', 'amount', 'state'), name='opp_closed'), models.Index(fields=['sort_name', 'id'], include=('team', 'owner'), name='opp_name'), models.Index(django.db.models.functions.text.Upper('number'), name='opp_number'), django.contrib.postgres.indexes.GinIndex(crm.core.fold.Grams('sort_name'), name='opp_grams')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'won'), _negated=True), ('party__isnull', False), _connector='OR'), name='won_has_party', violation_error_message='A won opportunity needs its contact.'), models.CheckConstraint(condition=models.Q(models.Q(('closed_on__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_on__isnull', False)), _connector='OR'), name='closed_has_day'), models.CheckConstraint(condition=models.Q(('amount__isnull', True), ('amount__gte', 0), _connector='OR'), name='amount_not_negative', violation_error_message='An amount cannot be negative.'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'won'), _negated=True), ('amount__isnull', False), _connector='OR'), name='won_has_amount'), models.CheckConstraint(condition=models.Q(('opened_on__isnull', True), ('closed_on__isnull', True), ('closed_on__gte', models.F('opened_on')), _connector='OR'), name='closed_after_opened', violation_error_message='It cannot be closed before it was opened.'), models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('source', 'external_id'), name='opportunity_external_once')],
            },
        ),
        migrations.CreateModel(
            name='OpportunityGroupPerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.group')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_shares', to='sales.opportunity')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'unique_together': {('group', 'permission', 'content_object')},
            },
        ),
        migrations.CreateModel(
            name='OpportunityUserPerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='user_shares', to='sales.opportunity')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'unique_together': {('user', 'permission', 'content_object')},
            },
        ),
        migrations.CreateModel(
            name='StageTransition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('opportunity', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='transitions', to='sales.opportunity')),
                ('kind', models.CharField(choices=[('open', 'opened'), ('move', 'moved'), ('win', 'won'), ('lose', 'lost'), ('reopen', 'reopened'), ('void', 'taken back')], max_length=6)),
                ('from_stage', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sales.stage')),
                ('to_stage', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sales.stage')),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(auto_now_add=True)),
                ('by_id', models.BigIntegerField(null=True)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('expected_close', models.DateField(null=True)),
                ('job_id', models.BigIntegerField(null=True)),
                ('voids', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='voided_by', to='sales.stagetransition')),
            ],
            options={
                'verbose_name': 'stage transition',
                'indexes': [models.Index(fields=['opportunity', 'at', 'id'], name='transition_order'), models.Index(condition=models.Q(('job_id__isnull', False)), fields=['job_id'], name='transition_job')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'void'), ('voids__isnull', False)), models.Q(models.Q(('kind', 'void'), _negated=True), ('voids__isnull', True)), _connector='OR'), name='void_names_its_row')],
            },
        ),
        migrations.CreateModel(
            name='ImportRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='sales.importrun')),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='sales.importfile')),
                ('line', models.PositiveIntegerField(verbose_name='line')),
                ('kind', models.CharField(choices=[('agent', 'Sales staff and teams'), ('product', 'Products'), ('organisation', 'Organisations'), ('opportunity', 'Opportunities')], max_length=12)),
                ('key', models.CharField(db_collation='C', max_length=200)),
                ('cells', models.JSONField(default=list)),
                ('facts', models.JSONField(default=dict)),
                ('verdict', models.CharField(choices=[('new', 'new'), ('matched', 'known, unchanged'), ('changed', 'known, changed'), ('doubtful', 'doubtful'), ('refused', 'refused')], max_length=8, verbose_name='verdict')),
                ('reasons', models.JSONField(default=list)),
                ('asks', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('changes', models.JSONField(default=dict)),
                ('target_id', models.BigIntegerField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('', 'not brought in yet'), ('created', 'created'), ('matched', 'known, unchanged'), ('changed', 'changed'), ('refused', 'refused')], default='', max_length=8, verbose_name='outcome')),
                ('before', models.JSONField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['run', 'kind', 'verdict', 'id'], name='import_row_verdict'), models.Index(fields=['run', 'kind', 'outcome', 'id'], name='import_row_outcome'), models.Index(fields=['kind', 'key', '-id'], name='import_row_key')],
                'constraints': [models.UniqueConstraint(fields=('file', 'line'), name='import_row_once')],
            },
        ),
        migrations.CreateModel(
            name='ImportQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='sales.importrun')),
                ('kind', models.CharField(max_length=20)),
                ('value', models.CharField(blank=True, max_length=200)),
                ('suggestions', models.JSONField(default=list)),
                ('choice', models.CharField(max_length=220)),
                ('remembered', models.BooleanField(default=False)),
                ('rows', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ['kind', '-rows', 'value'],
                'constraints': [models.UniqueConstraint(fields=('run', 'kind', 'value'), name='import_question_once')],
            },
        ),
    ]
