extension ServerRefusal {
    /// The refusal that stands for one of libmicrohttpd's own.
    ///
    /// - Parameter status: The status that the library would answer with (0.9.75 `src/microhttpd/connection.c`, the
    ///   calls of `transmit_error_response_static`).
    init(libraryStatus status: UInt32, _ configuration: ServerConfiguration) {
        let limit = min(configuration.maxHeaderBytes, configuration.connectionBufferBytes)
        switch status {
        case 413: self = .bodyTooLarge(limit: configuration.maxBodyBytes)
        case 414: self = .targetTooLong(limit: limit)
        case 431: self = .headerTooLarge(limit: limit)
        case 505: self = .unsupportedVersion
        // The library answers 400 for most faults, and 500 for an extension of a chunk that has no end.
        default: self = .malformed
        }
    }
}
