"""All tables of people, teams, roles and rights up to the first release, in one piece; an installation that took the steps before has them already."""

import django.contrib.auth.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("accounts", name) for name in (
        "0001_initial",
        "0002_ledgers",
        "0003_sessions_and_deputies",
    )]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('core', '0001_baseline_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='accounts.team', verbose_name='belongs to')),
            ],
            options={
                'verbose_name': 'team',
                'verbose_name_plural': 'teams',
                'ordering': ['name'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('parent', 'name'), name='team_name_once', violation_error_message='A team of this name exists here already.'), models.UniqueConstraint(models.Q(('parent__isnull', True)), condition=models.Q(('parent__isnull', True)), name='team_one_root', violation_error_message='There is one root team; choose what this team belongs to.'), models.CheckConstraint(condition=models.Q(('parent', models.F('id')), _negated=True), name='team_not_own_parent', violation_error_message='A team cannot belong to itself.')],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail')),
                ('language', models.CharField(choices=[('de', 'German'), ('en', 'English')], default='de', max_length=2, verbose_name='language')),
                ('theme', models.CharField(choices=[('system', 'like the device'), ('light', 'light'), ('dark', 'dark')], default='system', max_length=6, verbose_name='appearance')),
                ('team', models.ForeignKey(blank=True, help_text='New records of this person belong to this team.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='home_users', to='accounts.team', verbose_name='home team')),
                ('sign_ins', models.PositiveIntegerField(default=0, editable=False)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'ordering': ['last_name', 'first_name'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('email', ''), _negated=True), name='user_email_once', violation_error_message='Another user has this e-mail address.')],
            },
        ),
        migrations.CreateModel(
            name='Deputy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('absent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deputies', to=settings.AUTH_USER_MODEL, verbose_name='absent')),
                ('deputy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stands_in', to=settings.AUTH_USER_MODEL, verbose_name='deputy')),
                ('until', models.DateField(verbose_name='until and including')),
            ],
            options={
                'verbose_name': 'deputy',
                'verbose_name_plural': 'deputies',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('absent', 'deputy'), name='deputy_once', violation_error_message='This person is a deputy already; change the day instead.'), models.CheckConstraint(condition=models.Q(('absent', models.F('deputy')), _negated=True), name='deputy_somebody_else', violation_error_message='Nobody can be their own deputy.')],
            },
        ),
        migrations.CreateModel(
            name='Role',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='key')),
                ('label_de', models.CharField(max_length=120, verbose_name='label (German)')),
                ('label_en', models.CharField(max_length=120, verbose_name='label (English)')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('group', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='role', to='auth.group')),
                ('start_page', models.CharField(blank=True, default='', help_text='Where people with this role begin. Of several roles the first that names a page decides.', max_length=40, verbose_name='start page')),
            ],
            options={
                'verbose_name': 'role',
                'verbose_name_plural': 'roles',
                'ordering': ['position', 'key'],
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='FieldRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='field_rules', to='accounts.role', verbose_name='role')),
                ('entity', models.CharField(max_length=40, verbose_name='record')),
                ('field', models.CharField(max_length=60, verbose_name='hidden field')),
            ],
            options={
                'verbose_name': 'hidden field',
                'verbose_name_plural': 'hidden fields',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('role', 'entity', 'field'), name='field_rule_once')],
            },
        ),
        migrations.CreateModel(
            name='RoleRight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rights', to='accounts.role')),
                ('entity', models.CharField(max_length=40)),
                ('verb', models.CharField(choices=[('view', 'view'), ('add', 'add'), ('change', 'change'), ('delete', 'delete'), ('export', 'export'), ('assign', 'assign')], max_length=10)),
                ('reach', models.CharField(choices=[('own', 'own'), ('team', 'team'), ('all', 'all')], max_length=4)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('role', 'entity', 'verb'), name='right_once')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.team', verbose_name='team')),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.role', verbose_name='role')),
            ],
            options={
                'verbose_name': 'membership',
                'verbose_name_plural': 'memberships',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'team', 'role'), name='membership_once', violation_error_message='This person has this role in this team already.')],
            },
        ),
        migrations.CreateModel(
            name='TeamUserPerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='accounts.team')),
                ('source', models.CharField(choices=[('matrix', 'role'), ('deputy', 'deputy')], default='matrix', max_length=6)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('own_only', models.BooleanField(default=False)),
                ('deputy', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='accounts.deputy')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'permission', 'content_object', 'source', 'deputy'), name='grant_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('source', 'matrix'), _negated=True), models.Q(('deputy__isnull', True), ('until__isnull', True)), _connector='OR'), name='grant_of_matrix_is_plain')],
            },
        ),
    ]
