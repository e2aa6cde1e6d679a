"""Whether models can be reached: their endpoints are asked on time, and every answer is kept."""
