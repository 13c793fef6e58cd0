"""Shows usher's pages: takes their pictures, and says what each costs a browser that has never been there."""
