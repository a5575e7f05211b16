"""Pictures, films, and pages for the browser."""
