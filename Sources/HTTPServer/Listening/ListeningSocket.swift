import CSockets
import Dispatch
import Glibc
import Synchronization

/// A socket that clients can connect to.
///
/// When a daemon ends, libmicrohttpd closes the descriptor. Until a daemon has the descriptor, it is closed here.
final class ListeningSocket: Sendable {
    let descriptor: Int32
    /// The address, with the port or the path that was chosen.
    let address: ListenAddress
    /// The folder that was made for the socket.
    private let folder: String?

    private struct State {
        var isAccepting = true
        var isAdopted = false
    }
    private let state = Mutex(State())

    /// Binds a socket and listens on it, or takes one that listens. The path of a Unix socket that was taken is its
    /// owner's, and stays.
    ///
    /// - Throws: ``ServerError`` if the address cannot be resolved or is taken.
    init(_ address: ListenAddress) throws(ServerError) {
        var folder: String?
        switch address {
        case .unix(let path):
            descriptor = try Self.listen(path: path, address)
            self.address = address
        case .inOwnFolder:
            let made = try Self.makeFolder(address)
            let path = made + Self.nameInFolder
            do throws(ServerError) {
                descriptor = try Self.listen(path: path, address)
            } catch {
                unsafe rmdir(made)
                throw error
            }
            self.address = .unix(path: path)
            folder = made
        case .tcp(let host, let port):
            descriptor = try Self.listen(host: host, port: port, address)
            if case .tcp(_, let chosen) = ListenAddress.boundAddress(of: descriptor) {
                self.address = .tcp(host: host, port: chosen)
            } else {
                self.address = address
            }
        case .inherited(let inherited, _):
            descriptor = inherited
            self.address = address
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        self.folder = folder
    }

    deinit {
        retire()
        if !state.withLock({ $0.isAdopted }) { close(descriptor) }
    }

    /// Notes that a daemon has the descriptor now and will close it.
    func adopted() {
        state.withLock { $0.isAdopted = true }
    }

    /// Lets no new client connect, and waits until the daemon has accepted those that have. When listening ends, the
    /// system resets connections that wait to be accepted, and their clients may have sent a request.
    ///
    /// - Parameter patience: How long to wait at most, in seconds.
    func acceptTheLast(patience: Double = 1) {
        let isAccepting = state.withLock { state in
            guard state.isAccepting, state.isAdopted else { return false }
            switch address {
            // Those that wait are for whoever else has the socket, as the next server does that systemd starts.
            case .inherited: return false
            case .unix(let path): removePath(path)
            // If the system cannot drop new connections, a client may still connect during the wait below.
            case .tcp, .inOwnFolder: _ = segscore_drop_new_connections(descriptor)
            }
            return true
        }
        guard isAccepting else { return }
        let deadline = DispatchTime.now() + patience
        // It looks twice, since a handshake may be just ending.
        var looks = 0
        while looks < 2, DispatchTime.now() < deadline {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            looks = unsafe poll(&waiting, 1, 0) == 0 ? looks + 1 : 0
            usleep(1000)
        }
    }

    /// Ends listening. From here on the system refuses connections, unless somebody else has the socket too.
    ///
    /// The descriptor stays open, as a socket that is never readable, because a daemon still polls it.
    /// `MHD_quiesce_daemon` is meant for this. In libmicrohttpd 0.9.75, however, that call and a polling thread may
    /// both take the descriptor out of the same epoll set, and the second to do so aborts the process
    /// (`src/microhttpd/daemon.c`, `MHD_quiesce_daemon` and `MHD_epoll`).
    func retire() {
        state.withLock { state in
            guard state.isAccepting else { return }
            state.isAccepting = false
            if case .unix(let path) = address { removePath(path) }
            if case .inherited = address {
                // The socket goes on listening for others who have it, and daemons are not to be told of it.
                segscore_leave_epoll_sets(descriptor)
            } else {
                // This takes effect at once, even if a thread is in the middle of accepting.
                segscore_end_both(descriptor)
            }
            let silent = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            // If descriptors have run out, clients are refused all the same, but a thread polls in vain.
            guard silent >= 0 else { return }
            dup2(silent, descriptor)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            close(silent)
        }
    }

    private func removePath(_ path: String) {
        unsafe unlink(path)
        if let folder { unsafe rmdir(folder) }
    }

    private static let nameInFolder = "/socket"

    /// The most bytes that the path of a Unix socket may have.
    private static let pathLimit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Makes a folder of mode 0700 where temporary files are, or in /tmp if paths there would be too long.
    private static func makeFolder(_ address: ListenAddress) throws(ServerError) -> String {
        let temporary = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
        var code = ENAMETOOLONG
        for parent in [temporary, "/tmp"] where parent.hasPrefix("/") {
            let template = parent + "/segscore-XXXXXX"
            guard template.utf8.count + nameInFolder.utf8.count <= pathLimit else { continue }
            var path = Array(template.utf8CString)
            if unsafe mkdtemp(&path) != nil {
                return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            code = errno
        }
        throw .system(operation: "make a folder for", address: address, code: code)
    }

    private static func listen(host: String, port: UInt16, _ address: ListenAddress) throws(ServerError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard code == 0, let first = unsafe found else { throw .unresolved(host: host, code: code) }
        defer { unsafe freeaddrinfo(first) }

        var failure = ServerError.unresolved(host: host, code: EAI_NONAME)
        var candidate: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let info = unsafe candidate?.pointee {
            do throws(ServerError) {
                let descriptor = try unsafe open(family: info.ai_family, address)
                var yes: Int32 = 1
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
                try unsafe bindAndListen(descriptor, info.ai_addr, info.ai_addrlen, address)
                return descriptor
            } catch {
                failure = error
            }
            unsafe candidate = info.ai_next
        }
        throw failure
    }

    private static func listen(path: String, _ address: ListenAddress) throws(ServerError) -> Int32 {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= pathLimit else { throw .pathTooLong(path: path, limit: pathLimit) }
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let descriptor = try open(family: AF_UNIX, address)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        do throws(ServerError) {
            try removeStaleSocket(path, name, address)
        } catch {
            close(descriptor)
            throw error
        }
        try unsafe withUnsafePointer(to: &name) { pointer throws(ServerError) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer throws(ServerError) in
                try unsafe bindAndListen(descriptor, pointer, size, address)
            }
        }
        return descriptor
    }

    /// Removes a socket that a server left behind. Anything else at the path stays, and `bind` reports it.
    private static func removeStaleSocket(
        _ path: String, _ name: sockaddr_un, _ address: ListenAddress
    ) throws(ServerError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = try open(family: AF_UNIX, address)
        defer { close(probe) }
        let result = unsafe withUnsafePointer(to: name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(probe, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // A full backlog fails with EAGAIN instead, and means that somebody listens.
        guard result != 0, errno == ECONNREFUSED else { throw .pathInUse(path) }
        unsafe unlink(path)
    }

    private static func open(family: Int32, _ address: ListenAddress) throws(ServerError) -> Int32 {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(family, Int32(type), 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", address: address, code: errno) }
        return descriptor
    }

    /// Binds and listens. Closes the descriptor if that fails.
    @unsafe
    private static func bindAndListen(
        _ descriptor: Int32, _ name: UnsafePointer<sockaddr>?, _ size: socklen_t, _ address: ListenAddress
    ) throws(ServerError) {
        var operation = "bind"
        var result = unsafe bind(descriptor, name, size)
        if result == 0 {
            operation = "listen"
            result = Glibc.listen(descriptor, SOMAXCONN)
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw .system(operation: operation, address: address, code: code)
        }
    }
}
