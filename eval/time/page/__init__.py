"""The page time.html: its sentences, tables, figures and template."""
