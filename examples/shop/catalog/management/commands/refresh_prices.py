from django.core.management.base import BaseCommand

from catalog.models import Product, Supplier
from catalog.tasks import refresh_prices


class Command(BaseCommand):
    help = "Fetch the prices of a supplier's products that are sold out."

    def add_arguments(self, parser):
        parser.add_argument("supplier")

    def handle(self, *args, **options):
        supplier = Supplier.objects.get(name=options["supplier"])
        sold_out = Product.objects.filter(supplier=supplier, stock=0).values_list("pk", flat=True)
        refresh_prices.delay(supplier.pk, sold_out)
        self.stdout.write(f"{supplier}: {len(sold_out)} products")
