"""What environments compile: how an action becomes orders, what is seen, what it is worth."""
