"""What the code means: files, names, facts and the project around them.  Knows no rule."""
