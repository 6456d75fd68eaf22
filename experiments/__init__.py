"""Known answers: each folder here is one question with a published or provable answer, and the product's own."""
