"""What people type at the payments desk: filters, drafts of withdrawals, decisions."""
