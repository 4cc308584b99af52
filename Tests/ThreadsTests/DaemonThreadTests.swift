import Testing

@testable import Threads

@Suite struct DaemonThreadTests {
    @Test func trapsOnADaemonThreadAlone() async {
        DaemonThread.refuse("work")
        await #expect(processExitsWith: .failure) {
            DaemonThread.serve { DaemonThread.refuse("work") }
        }
    }

    @Test func isAnOrdinaryThreadAgainAfterwards() {
        #expect(DaemonThread.serve { DaemonThread.serve { 3 } } == 3)
        DaemonThread.refuse("work")
    }
}
