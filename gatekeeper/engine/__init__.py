"""Where claimed work is carried out. The lease row is the truth: lost or doubled work is harmless."""
