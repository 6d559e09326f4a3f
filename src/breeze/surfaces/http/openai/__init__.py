"""OpenAI's routes, one file each: any OpenAI client works unchanged."""
