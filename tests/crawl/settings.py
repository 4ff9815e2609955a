"""Name the environment variables that change the walk of the test."""

STEPS = "ADTECH_CRAWL_STEPS"
SEED = "ADTECH_CRAWL_SEED"
