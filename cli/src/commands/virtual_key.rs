use super::{
    preferences,
    verbs::{Delete, Edited, Noun, Page, Token, Update},
};
use crate::{
    args::{shared::Everything, small::VirtualKeyFields},
    client::{MAX_MESSAGE, Service},
    error::CliError,
    mask::Mask,
    output::{Row, enabled, or_dash},
};
use pointsman_proto::admin::v1::{
    Commit, CreateVirtualKeyRequest, DeleteVirtualKeyRequest, GetVirtualKeyRequest, ListVirtualKeysRequest,
    UpdateVirtualKeyRequest, VirtualKey, virtual_key_service_client::VirtualKeyServiceClient,
};
use tonic::Status;

const ADVICE: &str = "This is the token that clients send (Authorization: Bearer ...).";

impl Row for VirtualKey {
    const HEADERS: &'static [&'static str] = &["NAME", "ENABLED", "MODELS", "TAGS", "EXPIRES", "LAST-FOUR"];
    const PLURAL: &'static str = "virtual_keys";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        let models = if self.allowed_models.is_empty() { "*".to_owned() } else { self.allowed_models.join(",") };
        let expires = self.expire_time.map_or_else(|| "never".to_owned(), super::revision::moment);
        let tags = or_dash(self.tags.join(","));
        vec![self.name(), enabled(self.enabled), models, tags, expires, or_dash(&self.last_four)]
    }
}

impl Noun for VirtualKey {
    const KIND: &'static str = "virtual key";
    type Fields = VirtualKeyFields;
    type Filter = Everything;

    fn named(name: &str) -> Result<Self, CliError> {
        Ok(Self { name: name.to_owned(), ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: VirtualKeyFields, mask: &mut Mask) -> Result<(), CliError> {
        mask.put("allowed_models", fields.allow_model, &mut self.allowed_models);
        mask.put("tags", fields.tag, &mut self.tags);
        mask.put_some("expire_time", fields.expires, &mut self.expire_time);
        mask.put_some("enabled", fields.enabled, &mut self.enabled);
        self.preferences = preferences::fill(fields.preferences, mask);
        Ok(())
    }

    async fn list(service: Service, _: &Everything, page_token: String) -> Result<Page<Self>, Status> {
        let request = ListVirtualKeysRequest { page_size: 0, page_token };
        let reply = client(service).list_virtual_keys(request).await?.into_inner();
        Ok(Page { items: reply.virtual_keys, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        let request = GetVirtualKeyRequest { name: wanted.name };
        Ok(client(service).get_virtual_key(request).await?.into_inner().virtual_key)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateVirtualKeyRequest { virtual_key: Some(resource), validate_only };
        let reply = client(service).create_virtual_key(request).await?.into_inner();
        let token = Token::new("token", reply.token, ADVICE);
        Ok(Edited { resource: reply.virtual_key, commit: reply.commit, token })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request = UpdateVirtualKeyRequest {
            virtual_key: Some(resource),
            update_mask: Some(mask),
            allow_missing,
            validate_only,
        };
        let reply = client(service).update_virtual_key(request).await?.into_inner();
        Ok(Edited { resource: reply.virtual_key, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteVirtualKeyRequest { name, etag, validate_only, allow_missing };
        Ok(client(service).delete_virtual_key(request).await?.into_inner().commit)
    }
}

fn client(service: Service) -> VirtualKeyServiceClient<Service> {
    VirtualKeyServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}
