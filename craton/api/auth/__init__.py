"""Who a caller is, what they may do, and what they can see."""
