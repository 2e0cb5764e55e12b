"""Use cases, one a file, one public function each. Windows are seen only through ports/."""
