"""What the object-relational mappers are to a program: models, instances, querysets."""
