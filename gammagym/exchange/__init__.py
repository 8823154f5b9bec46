"""Rules on money: ledger, fees, marks, margin, funding, liquidation, settlement, attribution."""
