"""The manifest of a bulk send (bordereau d'envoi): which file goes to whom, one line per file and recipient."""
