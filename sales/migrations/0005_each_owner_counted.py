"""Statistics that know each owner and team by itself: with Postgres' usual hundred, whoever owns nothing is taken for an average owner, and a
list for somebody who sees three records walks through all of them."""

from django.db import migrations

COLUMNS = ["owner_id", "team_id"]


class Migration(migrations.Migration):
    dependencies = [("sales", "0004_find_by_words")]
    operations = [
        migrations.RunSQL(
            [f"ALTER TABLE sales_opportunity ALTER COLUMN {column} SET STATISTICS 1000" for column in COLUMNS],
            [f"ALTER TABLE sales_opportunity ALTER COLUMN {column} SET STATISTICS -1" for column in COLUMNS],
        )
    ]
