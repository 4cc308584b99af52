import ArgumentParser
import Glibc
import HTTPServer

/// What a program that starts a server for itself hands to it and hears from it.
extension ServeCommand {
    /// Makes sure that the descriptors of the flags are open.
    func checkDescriptors() throws {
        for (flag, descriptor) in [("life-fd", lifeFd), ("ready-fd", readyFd)] {
            guard let descriptor, descriptor < 0 || fcntl(descriptor, F_GETFD) < 0 else { continue }
            throw ValidationError("--\(flag) \(descriptor) is no open descriptor: have the process inherit it.")
        }
    }

    /// Writes the addresses to the descriptor of `--ready-fd`, one a line and those of administration last, and closes
    /// it. If nobody reads them, so be it.
    func announce(_ addresses: [ListenAddress]) {
        guard let readyFd else { return }
        StandardStreams.write(addresses.map { "\($0)\n" }.joined(), to: readyFd)
        close(readyFd)
    }
}
