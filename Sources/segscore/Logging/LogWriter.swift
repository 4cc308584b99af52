import Dispatch
import Foundation
import Glibc
import Synchronization

/// Writes lines to a descriptor from a thread of its own, so that no thread that logs waits for the program that reads
/// the log.
///
/// Lines wait in a bounded queue. A line that finds no room there, or that cannot be written, is dropped and counted;
/// the next line that can be written is preceded by one that says how many were lost.
final class LogWriter: Sendable {
    private enum Entry {
        case line([UInt8])
        /// The number of lines that would have stood here.
        case lost(Int)
        /// A semaphore that is signaled when all lines ahead of it are written or dropped.
        case mark(DispatchSemaphore)
    }

    private struct State {
        var entries: [Entry] = []
        /// How many bytes the lines that are not written yet take.
        var byteCount = 0
        var lostCount = 0

        mutating func drop() {
            lostCount += 1
            guard case .lost(let count)? = entries.last else { return entries.append(.lost(1)) }
            entries[entries.count - 1] = .lost(count + 1)
        }
    }

    private let descriptor: Int32
    private let byteLimit: Int
    private let tellLoss: @Sendable (Int) -> [UInt8]
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// Starts the thread, which does not end before the process.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to write to, which stays open. Writing to it must not raise SIGPIPE.
    ///   - byteLimit: How many bytes the lines that wait may take, at least 1.
    ///   - tellLoss: Makes the line that says how many were lost.
    init(_ descriptor: Int32, byteLimit: Int = 1 << 20, tellLoss: @escaping @Sendable (Int) -> [UInt8]) {
        self.descriptor = descriptor
        self.byteLimit = byteLimit
        self.tellLoss = tellLoss
        let thread = Thread { [self] in writeForever() }
        thread.name = "segscore.log"
        thread.start()
    }

    /// How many lines were lost so far.
    var lostCount: Int { state.withLock { $0.lostCount } }

    /// Takes a line with its line feed, to be written soon, and never waits.
    func write(_ line: [UInt8]) {
        append { state in
            guard line.count <= byteLimit - state.byteCount else { return state.drop() }
            state.byteCount += line.count
            state.entries.append(.line(line))
        }
    }

    /// Waits until the lines that were taken before are written or dropped, or until the patience is at its end.
    ///
    /// - Parameter patience: How long to wait at most, in seconds.
    func flush(patience: Double = 1) {
        let mark = DispatchSemaphore(value: 0)
        append { $0.entries.append(.mark(mark)) }
        _ = mark.wait(timeout: .now() + patience)
    }

    private func append(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
        wake.signal()
    }

    private func writeForever() {
        var lost = 0
        // Whether the last byte that was written ends a line.
        var isAtStart = true
        while true {
            wake.wait()
            let entries = state.withLock { state in
                defer { state.entries = [] }
                return state.entries
            }
            for entry in entries {
                switch entry {
                case .mark(let mark): mark.signal()
                case .lost(let count): lost += count
                case .line(let line):
                    let bytes = (isAtStart ? [] : [0x0A]) + (lost > 0 ? tellLoss(lost) : []) + line
                    let count = writeWhole(bytes)
                    if count > 0 { isAtStart = bytes[count - 1] == 0x0A }
                    lost = count == bytes.count ? 0 : lost + 1
                    state.withLock { state in
                        state.byteCount -= line.count
                        if count < bytes.count { state.lostCount += 1 }
                    }
                }
            }
        }
    }

    /// Writes bytes, however long that takes.
    ///
    /// - Returns: How many bytes were written: all, unless there was an error.
    private func writeWhole(_ bytes: [UInt8]) -> Int {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes[done...].withUnsafeBytes { rest in
                unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                done += count
            } else if errno == EAGAIN {
                // Another process that shares the descriptor may have set it not to block.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waiting, 1, -1)
            } else if errno != EINTR {
                return done
            }
        }
        return done
    }
}
