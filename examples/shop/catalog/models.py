from django.db import models


class Supplier(models.Model):
    name = models.CharField(max_length=100)
    feed_url = models.URLField()

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="products")
    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)
    photo_url = models.URLField(blank=True)
    photo = models.BinaryField(blank=True, default=b"")

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"


class SearchEntry(models.Model):
    """What the search page reads: one flat row for each product."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="search_entry")
    text = models.TextField()
    price = models.DecimalField(max_digits=9, decimal_places=2)

    def __str__(self) -> str:
        return self.text
