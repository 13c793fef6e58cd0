
function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        'figures: {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "status": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout
    ))
end
