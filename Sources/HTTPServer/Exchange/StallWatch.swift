import Dispatch

/// Looks once a second for requests that have stopped arriving.
///
/// `@unchecked Sendable`: the timer is set up in `init`, ended in `deinit`, and not touched in between.
final class StallWatch: @unchecked Sendable {
    private let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "segscore.stalls"))

    init(_ core: ServerCore) {
        timer.setEventHandler { core.expireStalled() }
        timer.schedule(deadline: .now() + 1, repeating: 1)
        timer.activate()
    }

    deinit {
        timer.cancel()
    }
}
