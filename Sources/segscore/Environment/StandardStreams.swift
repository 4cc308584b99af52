import Glibc

/// The streams that the program is started with. Any of them may be closed, or lead nowhere.
enum StandardStreams {
    /// Opens /dev/null in place of the streams that are closed. Otherwise the next file that is opened would take the
    /// place of such a stream, and what is meant for people would be written into it: the log into the database, say.
    static func fill() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // A file that is opened takes the lowest number that is free, which is this one.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }

    /// Writes to the standard error stream, as far as the stream takes it: that nobody reads a complaint is no reason
    /// to end.
    static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Writes to a descriptor as far as it takes what is written.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[done...])
                let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return }
                done += written
            }
        }
    }

    /// Whether all that was printed so far could be written.
    static func areWritten() -> Bool { fflush(nil) == 0 }
}
