"""The page on which evaluators read all items of several systems side by side (`plume eval browse`)."""

PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"  # where the links of report.html lead
