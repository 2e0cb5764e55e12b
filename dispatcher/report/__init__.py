"""The report: the laboratory's own words, free of any file format. Pure values and rules, standard library only."""
