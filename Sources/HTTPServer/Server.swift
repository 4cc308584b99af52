package import Dispatch
import Glibc
import Logging
package import ServiceInterface
import Synchronization

/// An HTTP/1.1 server: libmicrohttpd in front of a responder.
///
/// To end a server without losing a request, call ``stopAccepting()``, wait with ``whenQuiet(_:)`` for as long as there
/// is time, call ``awaitLastRequests(until:)``, and then ``stop()``.
package final class Server: Sendable {
    private let core: ServerCore
    private let daemons = Mutex<[Daemon]>([])
    private let stallWatch: StallWatch

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: The settings, within the bounds that its members name.
    ///   - responder: Answers the requests.
    package init(configuration: ServerConfiguration, responder: any Responder) {
        precondition(!configuration.listeners.isEmpty)
        precondition((1...1024).contains(configuration.threads))
        precondition((64 << 10...Int(Int32.max)).contains(configuration.connectionBufferBytes))
        precondition(configuration.maxConnections > 0 && configuration.maxHeaderBytes > 0)
        precondition((0...Int(Int32.max)).contains(configuration.maxConnectionsPerAddress))
        precondition((0...Int(Int32.max)).contains(configuration.idleTimeout))
        core = ServerCore(configuration: configuration, responder: responder)
        stallWatch = StallWatch(core)
    }

    deinit {
        stop()
    }

    /// Binds all listeners and then answers on each of them. May be called once.
    ///
    /// The process ignores `SIGPIPE` from then on, since a client that goes away must not end it.
    ///
    /// - Throws: ``ServerError``. The server then listens nowhere.
    package func start() throws(ServerError) {
        signal(SIGPIPE, SIG_IGN)
        let configuration = core.configuration
        if let tls = configuration.tls { try Daemon.check(tls) }
        var sockets: [(ListeningSocket, Listener)] = []
        for address in configuration.listeners {
            let isSecure = configuration.tls != nil && address.isTCP
            let listener = Listener(core: core, address, role: .service, isSecure: isSecure)
            sockets.append((try ListeningSocket(address), listener))
        }
        for address in configuration.adminListeners {
            let listener = Listener(core: core, address, role: .administration, isSecure: false)
            sockets.append((try ListeningSocket(address), listener))
        }
        var started: [Daemon] = []
        do throws(ServerError) {
            for (socket, listener) in sockets { started.append(try Daemon(socket, listener: listener)) }
        } catch {
            // The daemons that did start may have a request already.
            refuseWaiting()
            throw error
        }
        daemons.withLock { daemons in
            precondition(daemons.isEmpty)
            daemons = started
        }
        for daemon in started {
            configuration.logger.info(
                "listening",
                metadata: [
                    "address": "\(daemon.socket.address)",
                    "listener.protocol": daemon.listener.isSecure ? "https" : "http",
                    "listener.role": .string(daemon.listener.role.rawValue),
                ])
        }
    }

    /// The addresses on which the server listens, in the order of the configuration, those of administration last, with
    /// the ports that the system chose. Empty before the server is started and after it is stopped.
    package var addresses: [ListenAddress] {
        daemons.withLock { $0.map(\.socket.address) }
    }

    /// How many requests are under way, from their first line to the last byte of their answer.
    package var inFlight: Int { core.inFlight.count }

    /// Ends listening once the clients that have connected are accepted. Each connection stays open until its next
    /// answer.
    package func stopAccepting() {
        core.inFlight.beginDraining()
        let sockets = daemons.withLock { $0.map(\.socket) }
        for socket in sockets { socket.acceptTheLast() }
        for socket in sockets { socket.retire() }
    }

    /// Calls `action` once, as soon as no request is under way: immediately, or later from a thread that must not be
    /// kept waiting.
    package func whenQuiet(_ action: @escaping @Sendable () -> Void) {
        core.inFlight.whenQuiet(action)
    }

    /// Waits until no connection is left, or until no request has come for a moment over those that are left. If a
    /// connection is closed while a request is on its way, that request is lost.
    ///
    /// - Parameter deadline: The time at which to stop waiting in any case.
    package func awaitLastRequests(until deadline: DispatchTime) {
        var quietSince = DispatchTime.now()
        while true {
            let now = DispatchTime.now()
            if inFlight > 0 || core.lingering.count > 0 { quietSince = now }
            // A connection that was just accepted may not be counted yet.
            let moment = core.connections.count == 0 ? 0.02 : 0.2
            guard now < deadline, now < quietSince + moment else { return }
            usleep(2000)
        }
    }

    /// Stops the server: answers requests that still wait with ``ServerRefusal/unavailable``, closes all connections
    /// and ends the threads. Replies that come later are dropped. A second call has no effect.
    ///
    /// The call waits for the daemon threads, so it must not be made on one of them.
    package func stop() {
        stopAccepting()
        refuseWaiting()
        // The daemons end here, outside the lock, because nothing else holds them.
        let stopped = daemons.withLock { daemons in
            defer { daemons = [] }
            return daemons
        }
        _ = consume stopped
        core.lingering.close()
    }

    /// Leaves no connection suspended, since libmicrohttpd aborts the process if it is stopped with one.
    private func refuseWaiting() {
        var isWaiting = false
        for exchange in core.inFlight.beginStopping() {
            let isRefused = exchange.answer(core.configuration.problem(.unavailable))
            let isStreaming = exchange.endStream()
            isWaiting = isWaiting || isRefused || isStreaming
        }
        guard isWaiting else { return }
        // The refusals are let out first, because the library drops unsent bytes when it is stopped.
        let quiet = DispatchSemaphore(value: 0)
        whenQuiet { quiet.signal() }
        if quiet.wait(timeout: .now() + 1) == .timedOut {
            core.configuration.logger.debug("stopped with requests under way", metadata: ["count": "\(inFlight)"])
        }
    }
}
