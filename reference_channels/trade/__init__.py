"""The trade of a channel, whatever it looks like to its buyers: from the offer feed to the goods, and test control."""
