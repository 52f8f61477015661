"""Steps from one shape of the records to the next; applied when the store is opened."""
