"""The pages, one a file; every module here is found by itself (see the page of ``dispatcher.console``)."""
