"""The phases of a product's life: what each changes, and when one gives way to the next."""
