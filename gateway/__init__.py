"""The merchant's side: system of record for offers, stock, orders and deliveries."""
