"""Money: exact arithmetic, dated prices, the accruals that turn use into cost, and the ledger of it all."""
