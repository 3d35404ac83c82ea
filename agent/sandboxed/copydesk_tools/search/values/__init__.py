"""Values to call a function with: its module's syntax tree goes in, expressions come out."""
