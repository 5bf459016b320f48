"""The gateway on the wire: parse, call a rule, render. What a rule decides is not decided here."""
