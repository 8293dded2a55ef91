/**
 * What a host does before it joins the cluster. A container is a student's: it must not reach instance credentials,
 * file systems, other containers, or anything of the VPC but DNS. Source of the chain: Docker's DOCKER-USER, which
 * Docker itself never changes; INPUT guards the host's own ports.
 */
export function hostCommands(cluster: string): readonly string[] {
  return [
    `echo 'ECS_CLUSTER=${cluster}' >> /etc/ecs/ecs.config`,
    'echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config',
    'echo ECS_DISABLE_PRIVILEGED=true >> /etc/ecs/ecs.config',
    // Stop a task's container within 10 s, so that the next one never meets it in the same home.
    'echo ECS_CONTAINER_STOP_TIMEOUT=10s >> /etc/ecs/ecs.config',
    // One student's fork bomb must not be everybody's. Remembered: a task's limit of processes.
    'echo ECS_TASK_PIDS_LIMIT=2048 >> /etc/ecs/ecs.config',
    'echo ECS_IMAGE_PULL_BEHAVIOR=prefer-cached >> /etc/ecs/ecs.config',
    // No traffic between containers of the bridge.
    'mkdir -p /etc/docker && echo \'{"icc": false}\' > /etc/docker/daemon.json',
    "cat > /usr/local/sbin/armada-firewall <<'FIREWALL'",
    '#!/bin/sh',
    'set -eu',
    'token=$(curl -sX PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)',
    'ask() { curl -sH "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"; }',
    'mac=$(ask mac)',
    'vpc=$(ask "network/interfaces/macs/$mac/vpc-ipv4-cidr-block")',
    'resolver=$(echo "$vpc" | awk -F"[./]" \'{print $1"."$2"."$3"."$4+2}\')',
    'iptables -N DOCKER-USER 2>/dev/null || true',
    'iptables -F DOCKER-USER',
    'iptables -A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
    'iptables -A DOCKER-USER -i docker0 -p udp -d "$resolver" --dport 53 -j RETURN',
    'iptables -A DOCKER-USER -i docker0 -p tcp -d "$resolver" --dport 53 -j RETURN',
    // Instance metadata and task credentials.
    'iptables -A DOCKER-USER -i docker0 -d 169.254.0.0/16 -j DROP',
    // NFS anywhere: the host mounts homes, never a container.
    'iptables -A DOCKER-USER -i docker0 -p tcp --dport 2049 -j DROP',
    'iptables -A DOCKER-USER -i docker0 -p udp --dport 2049 -j DROP',
    'iptables -A DOCKER-USER -i docker0 -d "$vpc" -j DROP',
    'iptables -A DOCKER-USER -i docker0 -o docker0 -j DROP',
    'iptables -A DOCKER-USER -j RETURN',
    // The host's own ports, reached through the bridge.
    'iptables -C INPUT -i docker0 -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP 2>/dev/null || iptables -I INPUT -i docker0 -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP',
    'FIREWALL',
    'chmod 0700 /usr/local/sbin/armada-firewall',
    "cat > /etc/systemd/system/armada-firewall.service <<'UNIT'",
    '[Unit]',
    'After=docker.service',
    'PartOf=docker.service',
    'Before=ecs.service',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    'ExecStart=/usr/local/sbin/armada-firewall',
    '[Install]',
    // A host whose firewall failed must not join the cluster.
    'RequiredBy=ecs.service',
    'UNIT',
    'systemctl daemon-reload && systemctl enable armada-firewall',
  ];
}
