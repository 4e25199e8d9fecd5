use std::net::UdpSocket as Std;

use super::*;
use crate::tests::{all, capture};
use crate::wire::Malformed;
use crate::{Kind, Lease, Reply};

/// A listener on the loopback interface at a free port, and a client that talks to it.
fn pair() -> (Listener, Std, SocketAddr) {
    let listener = Listener::bind(&["lo"], 0).unwrap();
    let port = listener.local_ports().unwrap()[0];
    let client = Std::bind("127.0.0.1:0").unwrap();
    (listener, client, SocketAddr::from(([127, 0, 0, 1], port)))
}

#[tokio::test]
async fn a_request_comes_with_its_interface_and_source() {
    let (listener, client, server) = pair();
    client.send_to(&capture("udhcpc-discover"), server).unwrap();
    let received = listener.receive().await.unwrap();
    assert_eq!(received.request.kind, Kind::Discover);
    assert_eq!(received.interface.name, "lo");
    assert_eq!(SocketAddr::V4(received.source), client.local_addr().unwrap());
    let loopback = Address { address: Ipv4Addr::LOCALHOST, mask: Ipv4Addr::new(255, 0, 0, 0) };
    assert_eq!(received.interface.addresses.first(), Some(&loopback));
    assert_eq!(received.interface.address(), Some(Ipv4Addr::LOCALHOST));
}

#[tokio::test]
async fn malformed_packets_are_dropped_and_counted_and_do_not_end_the_loop() {
    let (listener, client, server) = pair();
    let mut bad = 0;
    for (name, bytes) in all("seeds") {
        if !name.starts_with("ok") {
            client.send_to(&bytes, server).unwrap();
            bad += 1;
        }
    }
    client.send_to(&capture("dhclient-discover"), server).unwrap();
    listener.receive().await.unwrap();
    let counters = listener.counters();
    assert_eq!(counters.requests(), 1);
    assert_eq!(counters.dropped().map(|(_, count)| count).sum::<u64>(), bad);
    assert_eq!(counters.dropped().map(|(name, _)| name).collect::<Vec<_>>(), Malformed::REASONS);
    assert!(counters.dropped().all(|(_, count)| count > 0));
}

#[tokio::test]
async fn a_reply_goes_where_it_is_sent() {
    let (listener, client, server) = pair();
    client.send_to(&capture("udhcpc-discover"), server).unwrap();
    let Received { request, interface, source } = listener.receive().await.unwrap();
    let lease = Lease::lasting(Ipv4Addr::new(10, 77, 0, 9), Ipv4Addr::new(255, 255, 255, 0), 60);
    let bytes = Reply::offer(Ipv4Addr::LOCALHOST, lease).encode(&request).unwrap().bytes;
    listener.send(&interface, &bytes, Destination::Client(source)).await.unwrap();
    let mut buffer = [0; 1500];
    let length = client.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..length], bytes);
    assert_eq!((listener.counters().replies(), listener.counters().send_faults()), (1, 0));
}

#[tokio::test]
async fn a_reply_cannot_leave_by_an_interface_that_is_not_listened_on() {
    let (listener, ..) = pair();
    let stranger =
        Interface { name: "eth9".into(), index: u32::MAX, mac: None, addresses: Vec::new() };
    let error = listener.send(&stranger, b"x", Destination::Broadcast).await.unwrap_err();
    assert_eq!(error.to_string(), "interface eth9 is not listened on");
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_named() {
    let error = Listener::bind(&["no-such-if"], 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no network interface called no-such-if; `ip link` lists those there are"
    );
    assert!(matches!(Listener::bind::<&str>(&[], 0), Err(BindError::NoInterface)));
}
