"""What world: scenarios and tasks as data, validated, and compiled into a template world."""
