"""The VGCP standard: documents, schemas, prose and the requirement registry. Its only Python loads them."""
