"""The receipts of the recipes that come with unetzoo: what each gives on data with known truth."""
