"""What a run remembers: windows of counts, streaming histograms, events, and the files they become."""
