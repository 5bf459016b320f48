"""The standard as data: documents, schemas, requirements; its Python only loads them."""
