"""Many runs set side by side: comparisons of workloads on one chip, and the files that describe them."""
