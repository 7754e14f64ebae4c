"""Demo data is lived: a fictional firm whose teams work through eighteen months by the product's own services (D14)."""
