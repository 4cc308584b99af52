private import CLinux
import Glibc

/// A process of the same user that has connected by a Unix socket, and some of whose memory may be read.
///
/// It is known by a descriptor and not by its number alone, which another process may have later. What may be read of
/// it the kernel decides, as for a debugger: see "Ptrace access mode checking" in ptrace(2).
package final class ForeignProcess: Sendable {
    /// Why something could not be read: the `errno` of a system call.
    package struct Refusal: Error, Equatable {
        package let code: Int32

        package init(code: Int32) {
            self.code = code
        }
    }

    private let id: pid_t
    private let descriptor: Int32

    /// - Parameter socket: A connected socket.
    /// - Throws: ``Refusal``: with `EPERM` if it leads to a process of another user, or is no Unix socket; with `ESRCH`
    ///   if the process is not to be seen from here or is no more.
    package init(connectedBy socket: Int32) throws(Refusal) {
        var id = pid_t(0)
        let descriptor = unsafe segscore_peer_process(socket, &id)
        guard descriptor >= 0 else { throw Refusal(code: errno) }
        (self.id, self.descriptor) = (id, descriptor)
    }

    deinit {
        close(descriptor)
    }

    /// Reads memory of the process.
    ///
    /// - Parameters:
    ///   - address: Where the first byte is in the process.
    ///   - bytes: Takes what is read, at least one byte.
    /// - Returns: How many bytes were read, at least one, and fewer than asked for where the memory ends.
    /// - Throws: ``Refusal``: with `EPERM` if the process has not allowed it, with `EFAULT` if there is no memory, with
    ///   `ESRCH` if the process is no more.
    package func read(at address: Int, into bytes: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int {
        let count = unsafe segscore_read_process(id, address, bytes.baseAddress, bytes.count)
        guard count > 0 else { throw Refusal(code: count == 0 ? EFAULT : errno) }
        // As long as it has not ended, no other process can have had its number while this was read.
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&state, 1, 0) == 0 else { throw Refusal(code: ESRCH) }
        return count
    }

    /// Opens again what the process has open.
    ///
    /// - Parameter number: The number that the descriptor has in the process.
    /// - Returns: A descriptor that the caller closes.
    /// - Throws: ``Refusal``: with `EBADF` if nothing is open under the number, and the errors of ``read(at:into:)``.
    package func duplicate(_ number: Int32) throws(Refusal) -> Int32 {
        let copy = segscore_copy_descriptor(descriptor, number)
        guard copy >= 0 else { throw Refusal(code: errno) }
        return copy
    }
}
