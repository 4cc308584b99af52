import PrometheusText

extension MetricDescription {
    /// The upper ends of the buckets, in seconds, for durations from the smallest requests to the largest.
    private static let durations = [0.0001, 0.0005, 0.001] + defaultBounds + [30, 60]

    /// All metrics of the program.
    static let all = [
        MetricDescription(
            "segscore_http_requests_total", "Requests by route, method and status; none where no answer was given"),
        MetricDescription("segscore_http_request_bytes_total", "Bytes of bodies received, as they came over the wire"),
        MetricDescription("segscore_http_response_bytes_total", "Bytes of bodies sent"),
        MetricDescription(
            "segscore_http_request_duration_seconds", "Time from a request's first line to its answer",
            bounds: durations),
        MetricDescription("segscore_http_requests_in_flight", "Requests under way"),
        MetricDescription("segscore_jobs", "Jobs that are known, by status"),
        MetricDescription("segscore_jobs_finished_total", "Jobs that have ended, by method and final status"),
        MetricDescription("segscore_job_queue_depth", "Jobs that wait for a worker"),
        MetricDescription(
            "segscore_job_wait_seconds", "Time that jobs waited for a worker",
            bounds: durations),
        MetricDescription(
            "segscore_scoring_seconds", "Time that a worker spent on a job, its body being in",
            bounds: durations),
        MetricDescription("segscore_images_total", "Images of jobs that succeeded, by method"),
        MetricDescription("segscore_pixels_total", "Pixels of jobs that succeeded, by method"),
        MetricDescription("segscore_result_bytes", "Memory that kept results take"),
        MetricDescription("segscore_result_budget_bytes", "Memory that kept results may take"),
        MetricDescription("segscore_memory_bytes", "Memory that arrays and JSON bodies take"),
        MetricDescription("segscore_memory_budget_bytes", "Memory that arrays and JSON bodies may take"),
        MetricDescription(
            "segscore_log_lines_lost_total", "Lines of the log that could not be written in time, or at all"),
        MetricDescription("segscore_process_resident_memory_bytes", "Resident memory"),
        MetricDescription("segscore_build_info", "1, with the version that runs"),
        MetricDescription("process_cpu_seconds_total", "User and system CPU time spent"),
        MetricDescription("process_resident_memory_bytes", "Resident memory"),
        MetricDescription("process_open_fds", "Open file descriptors"),
        MetricDescription("process_start_time_seconds", "When the process was started, in seconds since 1970"),
    ]
}
